// Plain files by read(2), packed ones through unpacker.h. Neighbours: row_reader.h.
#include "core/data/readers/byte_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/data/readers/unpacker.h"

namespace dayrun::core {
namespace {

Error cannot_read(const std::filesystem::path& path, std::string_view reason) {
    return {.code = ErrorCode::FileMissing,
            .message = fmt::format("Cannot read {}: {}.", path.string(), reason)};
}

class PlainStream : public ByteStream {
  public:
    PlainStream(std::filesystem::path path, int descriptor)
        : m_path(std::move(path)), m_descriptor(descriptor) {}
    ~PlainStream() override { ::close(m_descriptor); }

    Result<size_t> read(char* out, size_t size) override {
        ssize_t got = 0;
        do {
            got = ::read(m_descriptor, out, size);
        } while (got < 0 && errno == EINTR);
        if (got < 0) return cannot_read(m_path, std::strerror(errno));
        m_read += got;
        return static_cast<size_t>(got);
    }
    int64_t file_bytes_read() const override { return m_read; }

  private:
    std::filesystem::path m_path;
    int m_descriptor;
    int64_t m_read = 0;
};

constexpr size_t kPackedBytes = 256 << 10;  // read at a time

class PackedStream : public ByteStream {
  public:
    PackedStream(std::filesystem::path path, std::unique_ptr<ByteStream> file,
                 std::unique_ptr<Unpacker> unpacker)
        : m_path(std::move(path)), m_file(std::move(file)), m_unpacker(std::move(unpacker)) {}

    Result<size_t> read(char* out, size_t size) override {
        std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out), size);
        while (!room.empty()) {
            if (m_packed.empty()) TRY_VOID(refill());
            const bool is_over = m_packed.empty();
            if (is_over && m_unpacker->is_between_members()) break;
            const size_t room_before = room.size();
            // Without new bytes it may still hold unpacked ones.
            if (const char* const problem = m_unpacker->step(m_packed, room)) {
                return damaged(problem);
            }
            const bool is_stuck = is_over && room.size() == room_before;
            if (is_stuck && !m_unpacker->is_between_members()) return damaged("it ends too early");
        }
        return size - room.size();
    }
    int64_t file_bytes_read() const override { return m_file->file_bytes_read(); }

  private:
    Result<void> refill() {
        TRY(size, m_file->read(m_buffer.data(), m_buffer.size()));
        m_packed = {reinterpret_cast<const uint8_t*>(m_buffer.data()), size};
        return {};
    }
    Error damaged(const char* problem) const {
        return {.code = ErrorCode::FileDamaged,
                .message = fmt::format("{} is damaged or cut short: it cannot be unpacked.",
                                       m_path.string()),
                .hint = "Fetch the file again.",
                .detail = problem};
    }

    std::filesystem::path m_path;
    std::unique_ptr<ByteStream> m_file;
    std::unique_ptr<Unpacker> m_unpacker;
    std::vector<char> m_buffer = std::vector<char>(kPackedBytes);
    std::span<const uint8_t> m_packed;  // of the buffer, not taken yet
};

}  // namespace

Result<std::unique_ptr<ByteStream>> open_bytes(const SourceFile& file) {
    const int descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot_read(file.path, std::strerror(errno));
    auto plain = std::make_unique<PlainStream>(file.path, descriptor);
    if (file.compression == Compression::None) return plain;
    auto unpacker = Unpacker::make(file.compression);
    if (!unpacker) return cannot_read(file.path, "no memory is left to unpack it");
    return std::make_unique<PackedStream>(file.path, std::move(plain), std::move(unpacker));
}

}  // namespace dayrun::core
