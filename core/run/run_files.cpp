// Body of run_files.h. Lives on the run thread.
#include "core/run/run_files.h"

#include <algorithm>

#include "core/base/atomic_file.h"
#include "core/run/resume/resume_point.h"

namespace dayrun::core {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStepPrefix = "step-";
constexpr size_t kStepDigits = 8;
constexpr std::string_view kBest = "best";

bool is_step_name(std::string_view name) {
    if (!name.starts_with(kStepPrefix)) return false;
    const std::string_view digits = name.substr(kStepPrefix.size());
    return digits.size() == kStepDigits &&
           digits.find_first_not_of("0123456789") == std::string_view::npos;
}

// Hard links where the disk has them: a best adapter and its published twin share their bytes.
Result<void> link_or_copy_files(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(from, failed)) {
        if (!entry.is_regular_file()) continue;
        const fs::path target = to / entry.path().filename();
        fs::create_hard_link(entry.path(), target, failed);
        if (failed) fs::copy_file(entry.path(), target, failed);
        if (failed) return write_error(target, "written", failed.value());
    }
    if (failed) return write_error(from, "read", failed.value());
    return {};
}

}  // namespace

Result<void> RunFiles::create(std::string_view recipe_yaml) {
    TRY_VOID(ensure_folder(checkpoints()));
    return write_file(recipe(), recipe_yaml);
}

Leftovers RunFiles::sweep() {
    Leftovers swept = remove_leftovers(m_folder, Makers::AreDead);
    swept += remove_leftovers(checkpoints(), Makers::AreDead);
    return swept;
}

Result<int64_t> RunFiles::save_checkpoint(std::string_view name, const FolderWriter& write) {
    TRY_VOID(write_folder(checkpoint(name), write));
    return folder_bytes(checkpoint(name));
}

Result<void> RunFiles::publish(std::string_view name) {
    return write_folder(adapter(), [&](const fs::path& fresh) {
        return link_or_copy_files(checkpoint(name), fresh);
    });
}

std::vector<fs::path> RunFiles::points(bool sealed) const {
    std::vector<fs::path> steps;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(checkpoints(), ignored)) {
        if (!is_step_name(entry.path().filename().string())) continue;
        if (is_sealed(entry.path()) == sealed) steps.push_back(entry.path());
    }
    // Their numbers have leading zeros, so the names sort by step.
    std::sort(steps.rbegin(), steps.rend());
    return steps;
}

std::vector<fs::path> RunFiles::resume_points() const {
    return points(true);
}

std::vector<fs::path> RunFiles::unsealed_points() const {
    return points(false);
}

Result<void> RunFiles::keep_best_in(const fs::path& point) const {
    std::error_code failed;
    if (!fs::exists(checkpoint(kBest), failed)) return {};
    TRY_VOID(ensure_folder(point / kBest));
    return link_or_copy_files(checkpoint(kBest), point / kBest);
}

Result<bool> RunFiles::restore_best_from(const fs::path& point) {
    std::error_code failed;
    if (!fs::exists(point / kBest, failed)) return false;
    TRY_VOID(write_folder(checkpoint(kBest), [&](const fs::path& fresh) {
        return link_or_copy_files(point / kBest, fresh);
    }));
    return true;
}

void RunFiles::prune(int64_t keep) {
    const std::vector<fs::path> points = resume_points();
    for (auto i = static_cast<size_t>(std::max<int64_t>(1, keep)); i < points.size(); ++i) {
        remove_folder(points[i]);
    }
}

void RunFiles::remove_results() {
    remove_folder(adapter());
    remove_folder(checkpoints());
}

}  // namespace dayrun::core
