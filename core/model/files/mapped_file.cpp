// POSIX side of mapped_file.h.
#include "core/model/files/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dayrun::core {
namespace {

Error cannot_open(const std::filesystem::path& path, std::string_view reason) {
    return {.code = ErrorCode::FileMissing,
            .message = fmt::format("'{}' cannot be opened: {}.", path.string(), reason),
            .hint = "Check the path and its permissions."};
}

/// The page-aligned part that lies wholly inside the range.
std::pair<char*, size_t> whole_pages(std::span<const std::byte> range) {
    const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<uintptr_t>(range.data());
    const uintptr_t first = (begin + page - 1) / page * page;
    const uintptr_t last = (begin + range.size()) / page * page;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): rounded up it may leave the range
    return {reinterpret_cast<char*>(first), last > first ? last - first : 0};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot_open(path, std::strerror(errno));
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor);
        return cannot_open(path, "it is not a file");
    }
    const auto size = static_cast<size_t>(status.st_size);
    if (size == 0) {
        ::close(descriptor);
        return MappedFile({}, stamp_of(status));
    }
    void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
    const int failure = errno;
    ::close(descriptor);
    if (memory == MAP_FAILED) return cannot_open(path, std::strerror(failure));
    return MappedFile({static_cast<const std::byte*>(memory), size}, stamp_of(status));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : m_bytes(std::exchange(other.m_bytes, {})), m_stamp(other.m_stamp) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(m_bytes, other.m_bytes);
    std::swap(m_stamp, other.m_stamp);
    return *this;
}

MappedFile::~MappedFile() {
    if (!m_bytes.empty()) ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size());
}

void MappedFile::fault_in(std::span<const std::byte> range) const {
    constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ of Linux 5.14, which old headers lack
    const auto [first, size] = whole_pages(range);
    if (size > 0) ::madvise(first, size, kPopulateRead);
}

void MappedFile::drop(std::span<const std::byte> range) const {
    const auto [first, size] = whole_pages(range);
    if (size > 0) ::madvise(first, size, MADV_DONTNEED);
}

}  // namespace dayrun::core
