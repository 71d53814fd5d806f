// dayrun and dayrun DIR: the window. Also its pictures for the documentation (--screenshot).
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "app/command.h"
#include "app/sample_project.h"
#include "app/wiring.h"
#ifdef DAYRUN_UI
#include "ui/shell/workbench.h"
#endif

namespace dayrun::app {
namespace {

struct WindowOptions {
    std::string project;
    std::string screenshot;
    std::string stage = "plan";
    double scale = 1;
    bool dark = false;
};

#ifdef DAYRUN_UI
int open_window(const CommonOptions& common, const WindowOptions& given) {
    if (!ui::has_display()) {
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
    return ui::run_workbench(argc, argv, options);
}
#else
int open_window(const CommonOptions&, const WindowOptions&) {
    return report_error({.code = core::ErrorCode::Unsupported,
                         .message = "This Dayrun was built without its window.",
                         .hint = "Use 'dayrun --batch recipe.yaml', or build with DAYRUN_UI=ON."});
}
#endif

}  // namespace

void add_window_options(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<WindowOptions>();
    parser.add_option("project_folder", options->project, "Open the window on this project");
    // For docs/ and README: a picture of one stage, made by the program itself.
    auto* picture = parser.add_option("--screenshot", options->screenshot,
                                      "Write a picture of one stage to this PNG and end");
    parser.add_option("--stage", options->stage, "data, model, plan, run, compare or welcome")
        ->needs(picture);
    parser.add_option("--scale", options->scale, "Scale of the picture")->needs(picture);
    parser.add_flag("--dark", options->dark, "Draw the picture in dark colours")->needs(picture);
    chosen = [options](const CommonOptions& common) { return open_window(common, *options); };
}

}  // namespace dayrun::app
