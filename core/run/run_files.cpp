// Folders that are swapped in whole. Neighbour: atomic_file.h does the same for single files.
// Lives on the run thread.
#include "core/run/run_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/base/atomic_file.h"

namespace dayrun::core {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".unfinished";
constexpr std::string_view kStepPrefix = "step-";
constexpr std::string_view kBest = "best";

Error cannot_save(const fs::path& path, std::string_view reason) {
    return {.code = ErrorCode::DiskFull,
            .message = fmt::format("{} cannot be saved ({}).", path.string(), reason),
            .hint =
                "Free space on the disk or make the folder writable; what was saved before is "
                "still there."};
}

fs::path unfinished(const fs::path& target) {
    fs::path path = target;
    path += kUnfinished;
    return path;
}

// Makes the names in a folder, and the bytes of its files, survive a power cut.
void flush_to_disk(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

void flush_tree(const fs::path& folder) {
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
        flush_to_disk(entry.path());
    }
    flush_to_disk(folder);
}

Result<void> make_empty_folder(const fs::path& folder) {
    std::error_code failed;
    fs::remove_all(folder, failed);
    if (!failed) fs::create_directories(folder, failed);
    if (failed) return cannot_save(folder, failed.message());
    return {};
}

// Hard links where the disk has them: a best adapter and its published twin share their bytes.
Result<void> link_or_copy_files(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(from, failed)) {
        if (!entry.is_regular_file()) continue;
        const fs::path target = to / entry.path().filename();
        fs::create_hard_link(entry.path(), target, failed);
        if (failed) fs::copy_file(entry.path(), target, failed);
        if (failed) return cannot_save(target, failed.message());
    }
    if (failed) return cannot_save(from, failed.message());
    return {};
}

}  // namespace

int64_t folder_bytes(const fs::path& folder) {
    int64_t bytes = 0;
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
        if (entry.is_regular_file(ignored)) bytes += static_cast<int64_t>(entry.file_size(ignored));
    }
    return bytes;
}

Result<void> replace_folder(const fs::path& fresh, const fs::path& target) {
    if (::rename(fresh.c_str(), target.c_str()) == 0) {
        flush_to_disk(target.parent_path());
        return {};
    }
    if (errno != ENOTEMPTY && errno != EEXIST) return cannot_save(target, std::strerror(errno));
    // One step of the kernel swaps the two names; then the old one can go.
    if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) != 0) {
        // Disks without that step: for an instant only the old one's other name is there.
        fs::path previous = target;
        previous += ".previous";
        std::error_code ignored;
        fs::remove_all(previous, ignored);
        if (::rename(target.c_str(), previous.c_str()) != 0 ||
            ::rename(fresh.c_str(), target.c_str()) != 0) {
            const int failed = errno;
            ::rename(previous.c_str(), target.c_str());
            return cannot_save(target, std::strerror(failed));
        }
        fs::remove_all(previous, ignored);
    }
    flush_to_disk(target.parent_path());
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    return {};
}

Result<void> RunFiles::create(std::string_view recipe_yaml) {
    TRY_VOID(ensure_folder(checkpoints()));
    return write_file(recipe(), recipe_yaml);
}

Result<int64_t> RunFiles::save_checkpoint(std::string_view name, const FolderWriter& write) {
    const fs::path target = checkpoint(name);
    const fs::path fresh = unfinished(target);
    const auto save = [&]() -> Result<int64_t> {
        TRY_VOID(make_empty_folder(fresh));
        TRY_VOID(write(fresh));
        flush_tree(fresh);
        const int64_t bytes = folder_bytes(fresh);
        TRY_VOID(replace_folder(fresh, target));
        return bytes;
    };
    Result<int64_t> saved = save();
    if (!saved.ok()) {
        // Its room is wanted: the disk may be full because of it.
        std::error_code ignored;
        fs::remove_all(fresh, ignored);
    }
    return saved;
}

Result<void> RunFiles::publish(std::string_view name) {
    const fs::path fresh = unfinished(adapter());
    TRY_VOID(make_empty_folder(fresh));
    TRY_VOID(link_or_copy_files(checkpoint(name), fresh));
    flush_tree(fresh);
    return replace_folder(fresh, adapter());
}

std::vector<fs::path> RunFiles::resume_points() const {
    std::vector<fs::path> steps;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(checkpoints(), ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(kStepPrefix) && !name.ends_with(kUnfinished)) {
            steps.push_back(entry.path());
        }
    }
    // Their numbers have leading zeros, so the names sort by step.
    std::sort(steps.rbegin(), steps.rend());
    return steps;
}

Result<void> RunFiles::keep_best_in(const fs::path& point) const {
    std::error_code failed;
    if (!fs::exists(checkpoint(kBest), failed)) return {};
    TRY_VOID(make_empty_folder(point / kBest));
    return link_or_copy_files(checkpoint(kBest), point / kBest);
}

Result<bool> RunFiles::restore_best_from(const fs::path& point) {
    std::error_code failed;
    if (!fs::exists(point / kBest, failed)) return false;
    const fs::path fresh = unfinished(checkpoint(kBest));
    TRY_VOID(make_empty_folder(fresh));
    TRY_VOID(link_or_copy_files(point / kBest, fresh));
    flush_tree(fresh);
    TRY_VOID(replace_folder(fresh, checkpoint(kBest)));
    return true;
}

void RunFiles::prune(int64_t keep) {
    const std::vector<fs::path> points = resume_points();
    std::error_code ignored;
    for (auto i = static_cast<size_t>(std::max<int64_t>(1, keep)); i < points.size(); ++i) {
        fs::remove_all(points[i], ignored);
    }
}

void RunFiles::remove_results() {
    std::error_code ignored;
    fs::remove_all(adapter(), ignored);
    fs::remove_all(checkpoints(), ignored);
}

}  // namespace dayrun::core
