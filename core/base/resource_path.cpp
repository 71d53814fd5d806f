// Body of resource_path.h.
#include "core/base/resource_path.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "core/base/build_info.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> resource_folders() {
    std::vector<fs::path> folders;
    if (const char* const chosen = std::getenv("DAYRUN_RESOURCES"); chosen && *chosen) {
        folders.emplace_back(chosen);
    }
    if (const auto folder = executable_folder(); folder.ok()) {
        folders.push_back((*folder / ".." / "share" / "dayrun").lexically_normal());
    }
    folders.push_back(fs::path(build_info().source_dir) / "resources");
    return folders;
}

}  // namespace

Result<fs::path> executable_folder() {
    std::error_code failed;
    const fs::path executable = fs::read_symlink("/proc/self/exe", failed);
    if (failed) {
        return Error{.code = ErrorCode::Internal,
                     .message = "The system does not tell where this program lies.",
                     .hint = "Mount /proc, or name the resources in DAYRUN_RESOURCES.",
                     .detail = failed.message()};
    }
    return executable.parent_path();
}

Result<fs::path> resource_path(std::string_view relative) {
    std::string looked_in;
    for (const fs::path& folder : resource_folders()) {
        const fs::path found = folder / relative;
        std::error_code ignored;
        if (fs::exists(found, ignored)) return found;
        looked_in += fmt::format("{}{}", looked_in.empty() ? "" : ", ", folder.string());
    }
    return Error{
        .code = ErrorCode::FileMissing,
        .message = fmt::format("The program's resource '{}' is missing; looked in {}.", relative,
                               looked_in),
        .hint = "Install Dayrun again, or name the resources' folder in DAYRUN_RESOURCES."};
}

}  // namespace dayrun::core
