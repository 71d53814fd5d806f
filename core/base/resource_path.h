// Finds what lies in resources/: the sample project, icons, presets. Nothing is compiled in, so a
// user can look at it and replace it. Neighbour: build_info.h. Reads the file system: any thread.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/base/result.h"

namespace dayrun::core {

/// The folder of the running program's executable, with links resolved.
/// Errors: Internal when the system does not tell (no /proc).
Result<std::filesystem::path> executable_folder();

/// The resource `relative` ("sample_project/recipes/sample.yaml"), a file or a folder. The first
/// place that has it: the folder in the environment variable DAYRUN_RESOURCES, <executable>/../
/// share/dayrun (installed), the source tree (built, not installed).
/// Errors: FileMissing names the places it looked in.
Result<std::filesystem::path> resource_path(std::string_view relative);

}  // namespace dayrun::core
