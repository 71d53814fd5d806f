// Opens, makes and locks project folders. Neighbours: run_store.h, run_query.h. One thread.
#include "core/records/project.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/atomic_file.h"
#include "core/base/check.h"

namespace dayrun::core {

namespace {

constexpr const char* kDatabaseName = "project.sqlite";
// The lock is the kernel's (flock), so it ends with the process however that ends; the file stays.
constexpr const char* kLockName = ".lock";

Error not_a_project(const std::filesystem::path& folder) {
    return {.code = ErrorCode::FileMissing,
            .message = fmt::format("There is no project in {}.", folder.string()),
            .hint = "Make one with `dayrun new DIR`."};
}

Error cannot_write(const std::filesystem::path& folder, int error_number) {
    return {.code = ErrorCode::DiskFull,
            .message = fmt::format("The project folder {} cannot be written ({}).", folder.string(),
                                   std::strerror(error_number)),
            .hint = "Free space on the disk, make the folder writable, or choose another one."};
}

std::string holder_of(int descriptor) {
    char text[32] = {};
    const ssize_t length = ::pread(descriptor, text, sizeof text - 1, 0);
    return length > 0 ? fmt::format(" (process {})", std::string(text, std::strcspn(text, "\n")))
                      : std::string();
}

// A reader asks for the lock for an instant (is_locked); that is not another Dayrun at work.
bool try_lock(int descriptor) {
    for (int attempt = 0; attempt < 10; ++attempt) {
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
        ::usleep(10'000);
    }
    return false;
}

// The descriptor that holds the lock of the folder.
Result<int> lock_folder(const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / kLockName;
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) return cannot_write(folder, errno);
    if (!try_lock(descriptor)) {
        const Error error{.code = ErrorCode::DatabaseBusy,
                          .message = fmt::format("The project {} is open in another Dayrun{}.",
                                                 folder.string(), holder_of(descriptor)),
                          .hint = "Close that one first, or choose another project folder."};
        ::close(descriptor);
        return error;
    }
    // Who holds it is only a help for the message above; a full disk must not stop the opening
    // here.
    const std::string holder = fmt::format("{}\n", ::getpid());
    if (::ftruncate(descriptor, 0) == 0) {
        [[maybe_unused]] const ssize_t ignored =
            ::pwrite(descriptor, holder.data(), holder.size(), 0);
    }
    return descriptor;
}

Result<std::filesystem::path> absolute_path(const std::filesystem::path& folder) {
    std::error_code failed;
    std::filesystem::path path = std::filesystem::absolute(folder, failed).lexically_normal();
    if (failed) {
        return Error{.code = ErrorCode::FileMissing,
                     .message = fmt::format("The path {} cannot be used ({}).", folder.string(),
                                            failed.message())};
    }
    // "a/b/" and "a/b" are one folder, and relative() counts the parts of the name.
    if (!path.has_filename()) path = path.parent_path();
    return path;
}

}  // namespace

Project::Project(std::filesystem::path folder, ProjectAccess access)
    : m_folder(std::move(folder)), m_access(access) {}

Project::~Project() {
    m_store.reset();
    if (m_lock_descriptor >= 0) ::close(m_lock_descriptor);
}

bool Project::is_project(const std::filesystem::path& folder) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(folder / kDatabaseName, ignored);
}

Result<std::unique_ptr<Project>> Project::open(const std::filesystem::path& folder,
                                               ProjectAccess access) {
    TRY(path, absolute_path(folder));
    if (!is_project(path)) return not_a_project(path);
    std::unique_ptr<Project> project(new Project(path, access));
    if (access == ProjectAccess::ReadOnly) {
        TRY(query, project->query());  // tells a damaged file now and not later
        return project;
    }
    TRY(descriptor, lock_folder(path));
    project->m_lock_descriptor = descriptor;
    for (const auto& part :
         {project->recipes_folder(), project->runs_folder(), project->cache_folder()}) {
        TRY_VOID(ensure_folder(part));
    }
    TRY(store, RunStore::open(path / kDatabaseName));
    project->m_store = std::move(store);
    return project;
}

Result<std::unique_ptr<Project>> Project::open_or_create(const std::filesystem::path& folder) {
    TRY(path, absolute_path(folder));
    TRY_VOID(ensure_folder(path));
    if (!is_project(path)) {
        // The lock first, so that two programs cannot make the same project at once.
        TRY(descriptor, lock_folder(path));
        const Result<std::unique_ptr<RunStore>> made = RunStore::open(path / kDatabaseName);
        ::close(descriptor);
        if (!made.ok()) return made.error();
    }
    return open(path);
}

std::string Project::relative(const std::filesystem::path& path) const {
    return path.lexically_relative(m_folder).generic_string();
}

RunStore& Project::store() {
    CHECK(m_store != nullptr);
    return *m_store;
}

Result<RunQuery> Project::query() const {
    TRY(query, RunQuery::open(m_folder / kDatabaseName));
    // A reader of a project that nobody has open sees what a crash cut off as such, too.
    if (m_access == ProjectAccess::ReadOnly) query.set_writer_is_alive(is_locked());
    return query;
}

bool Project::is_locked() const {
    const int descriptor = ::open((m_folder / kLockName).c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool is_free = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0;
    ::close(descriptor);
    return !is_free;
}

}  // namespace dayrun::core
