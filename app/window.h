// Opens the window, where this build has one. Neighbours: commands/window.cpp,
// commands/project.cpp.
#pragma once

#include <filesystem>
#include <string>

#include "app/command.h"

namespace dayrun::app {

struct WindowOptions {
    std::filesystem::path project = {};     // empty: the last project, or the welcome page
    std::filesystem::path screenshot = {};  // a PNG to write instead of staying open
    std::string stage = "plan";
    double scale = 1;
    bool dark = false;
};

/// Whether a window can be shown: it is built in and there is a display.
bool can_open_window();

/// Returns the exit code once the window is closed. BadUsage without a display.
int open_window(const CommonOptions& common, const WindowOptions& given);

}  // namespace dayrun::app
