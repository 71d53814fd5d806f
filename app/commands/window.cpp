// dayrun and dayrun DIR: the window. Also its pictures for the documentation (--screenshot).
#include <memory>

#include "app/window.h"

namespace dayrun::app {

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
