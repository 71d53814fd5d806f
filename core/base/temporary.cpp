// POSIX side of temporary.h.
#include "core/base/temporary.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/atomic_folder.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".tmp-";
constexpr std::string_view kAside = ".previous";

/// A file or folder opened without following a link, closed with this object.
class Descriptor {
  public:
    Descriptor(const fs::path& path, int flags)
        : m_number(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW)) {}
    ~Descriptor() {
        if (m_number >= 0) ::close(m_number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number() const { return m_number; }
    bool try_lock() const { return m_number >= 0 && ::flock(m_number, LOCK_EX | LOCK_NB) == 0; }

  private:
    int m_number;
};

fs::path with_ending(const fs::path& path, std::string_view ending) {
    fs::path longer = path;
    longer += ending;
    return longer;
}

// A name is only durable once the folder that holds it is flushed.
void flush_folder_of(const fs::path& path) {
    const Descriptor folder(path.has_parent_path() ? path.parent_path() : fs::path("."),
                            O_RDONLY | O_DIRECTORY);
    if (folder.number() >= 0) ::fsync(folder.number());
}

// Held, and still there under its name: somebody may have swept it before it was held.
bool is_ours(int descriptor, const fs::path& path) {
    // A disk without locks keeps everything: nobody can sweep there.
    while (::flock(descriptor, LOCK_EX) != 0 && errno == EINTR) continue;
    struct stat opened, named;
    return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/// What a name of something unfinished says.
struct Name {
    std::string target;
    bool is_marked = false;     // with the number of its maker
    bool was_in_place = false;  // the target itself, moved aside for what should follow it
};

// Takes an ending away when it is there with something before it.
bool take(std::string_view& name, std::string_view ending) {
    const bool has_it = name.size() > ending.size() && name.ends_with(ending);
    if (has_it) name.remove_suffix(ending.size());
    return has_it;
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The same for ".tmp-12" and ".tmp-12-3".
bool take_mark(std::string_view& name) {
    const size_t at = name.rfind(kMark);
    if (at == std::string_view::npos || at == 0) return false;
    const std::string_view numbers = name.substr(at + kMark.size());
    const size_t dash = numbers.find('-');
    const bool is_mark = is_number(numbers.substr(0, dash)) &&
                         (dash == std::string_view::npos || is_number(numbers.substr(dash + 1)));
    if (is_mark) name = name.substr(0, at);
    return is_mark;
}

// Former versions' endings as well: .unfinished and .previous of a run's folders, .old.tmp-PID.
std::optional<Name> read_name(std::string_view name) {
    const bool is_aside = take(name, kAside);
    int marks = 0;
    while (take_mark(name)) ++marks;
    const bool is_old = marks > 0 && take(name, ".old");
    const bool is_unfinished = take(name, ".unfinished");
    if (marks == 0 && !is_unfinished && !is_aside) return std::nullopt;
    // What was aside of something unfinished is as unfinished.
    return Name{.target = std::string(name),
                .is_marked = marks > 0,
                .was_in_place = (is_aside || is_old) && !is_unfinished && marks < 2};
}

// What a lock is asked of: some disks give one only to those who may write.
int flags_of(const fs::path& path) {
    std::error_code ignored;
    const bool is_folder = fs::is_directory(fs::symlink_status(path, ignored));
    return is_folder ? O_RDONLY | O_DIRECTORY : O_RDWR | O_NONBLOCK;
}

void sweep(const fs::path& path, const Name& name, Leftovers& swept) {
    std::error_code failed;
    const fs::path target = path.parent_path() / name.target;
    const bool is_target_there = fs::exists(fs::symlink_status(target, failed));
    if (name.was_in_place && !is_target_there) {
        if (::rename(path.c_str(), target.c_str()) == 0) flush_folder_of(target);
        return;
    }
    const int64_t bytes = folder_bytes(path);
    fs::remove_all(path, failed);
    if (failed) return;
    ++swept.count;
    swept.bytes += bytes;
}

template <class IsWanted>
Leftovers sweep_folder(const fs::path& folder, Makers makers, const IsWanted& is_wanted) {
    Leftovers swept;
    std::error_code ignored;
    std::vector<std::pair<fs::path, Name>> found;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        const auto name = read_name(entry.path().filename().string());
        if (name && is_wanted(*name)) found.emplace_back(entry.path(), *name);
    }
    for (const auto& [path, name] : found) {
        if (makers == Makers::AreDead) {
            sweep(path, name, swept);
        } else if (name.is_marked) {
            // Held until it is gone, so that no maker takes it for its own meanwhile.
            const Descriptor held(path, flags_of(path));
            if (held.try_lock()) sweep(path, name, swept);
        }
    }
    return swept;
}

// The folder at `target` gives way to `fresh` on a disk that cannot exchange two names.
int replace_in_two_steps(const fs::path& fresh, const fs::path& target) {
    const fs::path aside = with_ending(fresh, kAside);
    const Descriptor former(target, O_RDONLY | O_DIRECTORY);
    static_cast<void>(former.try_lock());
    if (::rename(target.c_str(), aside.c_str()) != 0) return errno;
    if (::rename(fresh.c_str(), target.c_str()) != 0) {
        const int reason = errno;
        ::rename(aside.c_str(), target.c_str());
        return reason;
    }
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    return 0;
}

}  // namespace

Error write_error(const fs::path& path, std::string_view action, int code) {
    Error error{.code = ErrorCode::DiskFull,
                .message = fmt::format("'{}' cannot be {}: {}.", path.string(), action,
                                       std::strerror(code))};
    if (code == ENOSPC || code == EDQUOT) {
        error.hint = "Free some space on that disk and try again; what was saved before is intact.";
    } else if (code == EACCES || code == EROFS || code == EPERM) {
        error.hint = "Choose a folder you may write to, or change its permissions.";
    }
    return error;
}

template <class Make>
Result<Temporary> Temporary::make(const fs::path& target, const Make& open_new) {
    // The number keeps two threads of one process apart.
    static std::atomic<uint64_t> s_made{0};
    while (true) {
        fs::path path = with_ending(target, fmt::format("{}{}-{}", kMark, ::getpid(), s_made++));
        const int descriptor = open_new(path);
        // What a dead process of the same number left is not ours.
        if (descriptor < 0 && errno == EEXIST) continue;
        if (descriptor < 0) return write_error(target, "created", errno);
        Temporary made(target, std::move(path), descriptor);
        if (is_ours(descriptor, made.path())) return made;
    }
}

Result<Temporary> Temporary::file(const fs::path& target) {
    return make(target, [](const fs::path& path) {
        return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    });
}

Result<Temporary> Temporary::folder(const fs::path& target) {
    std::error_code failed;
    if (target.has_parent_path()) fs::create_directories(target.parent_path(), failed);
    if (failed) return write_error(target, "created", failed.value());
    return make(target, [](const fs::path& path) {
        if (::mkdir(path.c_str(), 0777) != 0) return -1;
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const int reason = errno;
        if (descriptor < 0) ::rmdir(path.c_str());
        errno = reason;
        return descriptor;
    });
}

Temporary::Temporary(fs::path target, fs::path path, int descriptor)
    : m_target(std::move(target)), m_path(std::move(path)), m_descriptor(descriptor) {}

Temporary::Temporary(Temporary&& other) noexcept
    : m_target(std::move(other.m_target)),
      m_path(std::move(other.m_path)),
      m_descriptor(std::exchange(other.m_descriptor, -1)) {}

Temporary::~Temporary() {
    if (m_descriptor < 0) return;
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
    ::close(m_descriptor);
}

Result<void> Temporary::put_in_place() {
    bool has_former = false;
    if (::rename(m_path.c_str(), m_target.c_str()) != 0) {
        int reason = errno;
        has_former = reason == ENOTEMPTY || reason == EEXIST;
        if (has_former) {
            reason = ::renameat2(AT_FDCWD, m_path.c_str(), AT_FDCWD, m_target.c_str(),
                                 RENAME_EXCHANGE) == 0
                         ? 0
                         : replace_in_two_steps(m_path, m_target);
        }
        if (reason != 0) return write_error(m_target, "put in place", reason);
    }
    flush_folder_of(m_target);
    // After an exchange the former one has the temporary name.
    std::error_code ignored;
    if (has_former) fs::remove_all(m_path, ignored);
    ::close(std::exchange(m_descriptor, -1));
    return {};
}

bool is_temporary(const fs::path& path) {
    const auto name = read_name(path.filename().string());
    return name && name->is_marked;
}

bool is_left_over(const fs::path& path) {
    return is_temporary(path) && Descriptor(path, flags_of(path)).try_lock();
}

Leftovers remove_leftovers(const fs::path& folder, Makers makers) {
    return sweep_folder(folder, makers, [](const Name&) { return true; });
}

Leftovers remove_leftovers_of(const fs::path& target) {
    const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
    return sweep_folder(folder, Makers::MayLive, [&](const Name& name) {
        return name.target == target.filename().string();
    });
}

void remove_folder(const fs::path& folder) {
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(folder, ignored))) return;
    auto aside = Temporary::folder(folder);
    // A rename over the empty one: what is half removed has a temporary name.
    const bool is_aside = aside.ok() && ::rename(folder.c_str(), aside->path().c_str()) == 0;
    if (!is_aside) fs::remove_all(folder, ignored);
}

}  // namespace dayrun::core
