// The window's side of app. Neighbour: window.h.
#include "app/window.h"

#include "app/sample_project.h"
#include "app/wiring.h"
#ifdef DAYRUN_UI
#include "ui/shell/workbench.h"
#endif

namespace dayrun::app {

#ifdef DAYRUN_UI

bool can_open_window() {
    return ui::hasDisplay();
}

int open_window(const CommonOptions& common, const WindowOptions& given) {
    if (given.screenshot.empty() && !ui::hasDisplay()) {
        return report_error({.code = core::ErrorCode::BadUsage,
                             .message = "There is no display to open the window on.",
                             .hint = "Use 'dayrun --batch recipe.yaml' here, or 'dayrun --help'."});
    }
    const auto device = choose_device(common);
    if (!device.ok()) return report_error(device.error());
    ui::WorkbenchOptions options;
    options.project_folder = given.project;
    options.make_engine = engine_factory();
    options.device = *device;
    options.device_name = device_name(*device);
    options.make_sample_project = make_sample_project;
    options.screenshot_file = given.screenshot;
    options.stage = given.stage;
    options.scale = given.scale;
    options.dark = given.dark;
    int argc = 1;
    char name[] = "dayrun";
    char* argv[] = {name, nullptr};
    return ui::runWorkbench(argc, argv, options);
}
#else

bool can_open_window() {
    return false;
}

int open_window(const CommonOptions&, const WindowOptions&) {
    return report_error({.code = core::ErrorCode::Unsupported,
                         .message = "This Dayrun was built without its window.",
                         .hint = "Use 'dayrun --batch recipe.yaml', or build with DAYRUN_UI=ON."});
}
#endif

}  // namespace dayrun::app
