// The sample project: the tiny base model, its tasks and its recipe, copied from resources/.
// Neighbours: commands/project.cpp (dayrun new, dayrun --sample), the window's welcome page.
#pragma once

#include <filesystem>

#include "core/base/result.h"

namespace dayrun::app {

/// Where `dayrun --sample` keeps its project: XDG_DATA_HOME/dayrun/sample or ~/.local/share/….
std::filesystem::path sample_folder();

/// Makes FOLDER a project with base, data and recipes of the sample; what is there already stays.
/// DiskFull when it cannot be written, FileMissing when this installation lacks the sample.
core::Result<void> make_sample_project(const std::filesystem::path& folder);

/// The sample's recipe inside such a project.
std::filesystem::path sample_recipe(const std::filesystem::path& folder);

}  // namespace dayrun::app
