// Copies the sample. Neighbour: sample_project.h.
#include "app/sample_project.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/base/atomic_file.h"
#include "core/base/resource_path.h"
#include "core/records/project.h"

namespace dayrun::app {
namespace {

namespace fs = std::filesystem;

core::Result<void> copy_part(const fs::path& from, const fs::path& to) {
    std::error_code code;
    if (to.has_parent_path()) TRY_VOID(core::ensure_folder(to.parent_path()));
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::skip_existing, code);
    if (!code) return {};
    return core::Error{.code = core::ErrorCode::DiskFull,
                       .message = fmt::format("The sample cannot be written to '{}': {}.",
                                              to.string(), code.message()),
                       .hint = "Choose a folder you may write to, with 20 MB free."};
}

}  // namespace

fs::path sample_folder() {
    const char* data_home = std::getenv("XDG_DATA_HOME");
    const char* home = std::getenv("HOME");
    const fs::path base = data_home != nullptr && *data_home != '\0'
                              ? fs::path(data_home)
                              : fs::path(home != nullptr ? home : ".") / ".local/share";
    return base / "dayrun" / "sample";
}

fs::path sample_recipe(const fs::path& folder) {
    return folder / "recipes" / "sample.yaml";
}

core::Result<void> make_sample_project(const fs::path& folder) {
    TRY(source, core::resource_path("sample_project"));
    // Opening for writing makes the records and refuses a folder that another Dayrun uses.
    auto project = core::Project::open_or_create(folder);
    if (!project.ok()) return std::move(project).error();
    TRY_VOID(copy_part(source / "base", folder / "base"));
    TRY_VOID(copy_part(source / "data", folder / "data"));
    return copy_part(source / "recipes" / "sample.yaml", sample_recipe(folder));
}

}  // namespace dayrun::app
