// What is being written lies beside its place, as TARGET.tmp-<pid>-<number>, and is held with the
// kernel's lock until it takes that place. The lock ends with the process, however that ends: what
// has such a name and is held by nobody was left by a dead one and may go.
// Neighbours: atomic_file.h and atomic_folder.h are made of it. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/base/result.h"

namespace dayrun::core {

/// A new, empty file or folder beside `target`; removed with this object unless it took its place.
class Temporary {
  public:
    static Result<Temporary> file(const std::filesystem::path& target);
    /// Makes the folders above it as well.
    static Result<Temporary> folder(const std::filesystem::path& target);
    Temporary(Temporary&& other) noexcept;
    Temporary& operator=(Temporary&&) = delete;
    ~Temporary();

    const std::filesystem::path& path() const { return m_path; }
    const std::filesystem::path& target() const { return m_target; }
    /// Of the file, for writing; of a folder, for flushing its names.
    int descriptor() const { return m_descriptor; }

    /// Gives it the target's name and flushes that to the disk. A folder that is there already
    /// changes places with it in one step of the kernel and is removed then; on a disk without that
    /// step only its other name is there for an instant, and remove_leftovers() puts it back.
    /// DiskFull names the target, which is as it was before.
    Result<void> put_in_place();

  private:
    Temporary(std::filesystem::path target, std::filesystem::path path, int descriptor);
    template <class Make>
    static Result<Temporary> make(const std::filesystem::path& target, const Make& open_new);

    std::filesystem::path m_target, m_path;
    int m_descriptor = -1;
};

/// Whether something with this name is being written or was left by a dead process.
bool is_temporary(const std::filesystem::path& path);
/// Whether it is left over: it has such a name, and nobody holds it. A disk that cannot tell who
/// holds what keeps it.
bool is_left_over(const std::filesystem::path& path);

/// Who may be writing into a folder.
enum class Makers {
    MayLive,  // other programs: only what nobody holds is left over
    AreDead,  // a lock of the caller's keeps everybody else out: all of it is
};

struct Leftovers {
    int64_t count = 0;
    int64_t bytes = 0;

    Leftovers& operator+=(const Leftovers& more) {
        count += more.count;
        bytes += more.bytes;
        return *this;
    }
};

/// Removes what dead processes left in a folder that belongs to Dayrun, the names of former
/// versions too when all makers are dead; puts a folder back that was moved aside for a
/// replacement which never came. What cannot be removed stays.
Leftovers remove_leftovers(const std::filesystem::path& folder, Makers makers);
/// The same for what lies beside `target`, in a folder where others' files may have such names.
Leftovers remove_leftovers_of(const std::filesystem::path& target);

/// Removes a folder so that no half of it ever has its name.
void remove_folder(const std::filesystem::path& folder);

/// DiskFull: "'PATH' cannot be ACTION: reason.", for an errno.
Error write_error(const std::filesystem::path& path, std::string_view action, int code);

}  // namespace dayrun::core
