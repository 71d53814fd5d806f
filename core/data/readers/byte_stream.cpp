// Plain files by read(2), packed ones through Arrow's codecs. Neighbours: row_reader.h.
#include "core/data/readers/byte_stream.h"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

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

class PackedStream : public ByteStream {
  public:
    PackedStream(std::filesystem::path path, std::shared_ptr<arrow::io::ReadableFile> file,
                 std::unique_ptr<arrow::util::Codec> codec,
                 std::shared_ptr<arrow::io::InputStream> unpacked)
        : m_path(std::move(path)),
          m_file(std::move(file)),
          m_codec(std::move(codec)),
          m_unpacked(std::move(unpacked)) {}

    Result<size_t> read(char* out, size_t size) override {
        const auto got = m_unpacked->Read(static_cast<int64_t>(size), out);
        if (got.ok()) return static_cast<size_t>(*got);
        return Error{.code = ErrorCode::FileDamaged,
                     .message = fmt::format("{} is damaged or cut short: it cannot be unpacked.",
                                            m_path.string()),
                     .hint = "Fetch the file again.",
                     .detail = got.status().ToString()};
    }
    int64_t file_bytes_read() const override { return m_file->Tell().ValueOr(0); }

  private:
    std::filesystem::path m_path;
    std::shared_ptr<arrow::io::ReadableFile> m_file;
    std::unique_ptr<arrow::util::Codec> m_codec;
    std::shared_ptr<arrow::io::InputStream> m_unpacked;
};

Result<std::unique_ptr<ByteStream>> open_packed(const SourceFile& file) {
    const auto type =
        file.compression == Compression::Gzip ? arrow::Compression::GZIP : arrow::Compression::ZSTD;
    auto codec = arrow::util::Codec::Create(type);
    auto opened = arrow::io::ReadableFile::Open(file.path.string());
    if (!opened.ok()) return cannot_read(file.path, opened.status().message());
    if (!codec.ok()) return cannot_read(file.path, codec.status().message());
    auto unpacked = arrow::io::CompressedInputStream::Make(codec->get(), *opened);
    if (!unpacked.ok()) return cannot_read(file.path, unpacked.status().message());
    return std::make_unique<PackedStream>(file.path, *opened, std::move(*codec), *unpacked);
}

}  // namespace

Result<std::unique_ptr<ByteStream>> open_bytes(const SourceFile& file) {
    if (file.compression != Compression::None) return open_packed(file);
    const int descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot_read(file.path, std::strerror(errno));
    return std::make_unique<PlainStream>(file.path, descriptor);
}

}  // namespace dayrun::core
