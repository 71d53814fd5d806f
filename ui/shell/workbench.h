// The window's door for app/: opens the workbench on a project, or grabs a picture of one stage for
// the documentation. Call on the main thread; returns when the last window is closed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/base/result.h"
#include "core/engine/engine.h"

class QApplication;

namespace dayrun::ui {

enum class Appearance;

struct WorkbenchOptions {
    std::filesystem::path project_folder;  // empty: the last project, or the welcome page
    core::EngineFactory make_engine;       // called on the run thread
    core::Device device;
    std::string device_name;  // "CPU, 2 threads", as shown and recorded
    /// Writes the sample project into a new folder; empty: the button is shown disabled.
    std::function<core::Result<void>(const std::filesystem::path& folder)> make_sample_project;

    /// Grabs the window into this PNG once it is quiet, and ends. Settings of the person are
    /// neither read nor written then. `stage` is data, model, plan, run, compare or welcome.
    std::filesystem::path screenshot_file;
    std::string stage;
    double scale = 1;  // of the picture: 2 draws at 200 %
    bool dark = false;
    int width = 1360, height = 860;  // of the picture, before scaling
};

/// Before the first widget is made: numbers are written and read as in a recipe, with a dot and
/// without separators, whatever the person's language; then the look. Tests call it as well.
void prepareApplication(QApplication& application, Appearance appearance);

/// Runs the window; 0 when it was closed in peace, 2 when the project cannot be opened for a
/// screenshot. Without a display the process should not come here: see hasDisplay().
int runWorkbench(int& argc, char** argv, const WorkbenchOptions& options);

/// Whether a window can be shown: DISPLAY or WAYLAND_DISPLAY is set, or QT_QPA_PLATFORM chosen.
bool hasDisplay();

}  // namespace dayrun::ui
