// dayrun new DIR and dayrun --sample: making projects, and the sample run from end to end.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/progress.h"
#include "app/sample_project.h"
#include "app/window.h"
#include "app/wiring.h"
#include "core/base/atomic_file.h"
#include "core/base/units.h"
#include "core/events/event_json.h"
#include "core/recipe/recipe_yaml.h"
#include "core/run/run_session.h"

namespace dayrun::app {
namespace {

struct NewOptions {
    std::string folder;
    bool sample = false;
};

/// A path as a shell takes it back.
std::string for_shell(const std::filesystem::path& path) {
    std::string text = path.string();
    const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x80 || std::isalnum(byte) != 0 ||
               std::string_view("/._-+,:@%").find(c) != std::string_view::npos;
    });
    if (is_plain && !text.empty()) return text;
    std::string whole = "'";
    for (const char c : text) whole += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return whole + "'";
}

int make_project(const CommonOptions& common, const NewOptions& options) {
    const bool was_there = core::Project::is_project(options.folder);
    if (options.sample) {
        const auto made = make_sample_project(options.folder);
        if (!made.ok()) return report_error(made.error());
    } else {
        const auto project = core::Project::open_or_create(options.folder);
        if (!project.ok()) return report_error(project.error());
    }
    if (common.json) {
        fmt::print("{{\"project\":{}}}\n", core::json_string(options.folder));
    } else if (options.sample) {
        fmt::print("Made the sample project in {}.\nRun it with: dayrun --batch {}\n",
                   options.folder, for_shell(sample_recipe(options.folder)));
    } else {
        fmt::print("{} {}.\nOpen it with: dayrun {}\n",
                   was_there ? "Nothing to do, there is a project in" : "Made an empty project in",
                   options.folder, for_shell(options.folder));
    }
    return kExitDone;
}

/// Runs one recipe of a project with the progress bar; the report is on the disk afterwards.
core::Result<core::RunOutcome> run_recipe(const CommonOptions& common, core::Project& project,
                                          const std::filesystem::path& recipe_path) {
    TRY(recipe, core::read_recipe(recipe_path));
    TRY(device, choose_device(common));
    core::RunOrder order = order_for(device);
    order.recipe = std::move(recipe);
    core::RunControl control;
    const InterruptGuard guard(control);
    Progress progress;
    const core::EngineFactory factory = engine_factory();
    return core::RunSession(project, factory, control, progress).run(order);
}

int run_sample(const CommonOptions& common) {
    const std::filesystem::path folder = sample_folder();
    if (const auto made = make_sample_project(folder); !made.ok())
        return report_error(made.error());
    if (can_open_window()) return open_window(common, {.project = folder});
    auto project = core::Project::open_or_create(folder);
    if (!project.ok()) return report_error(project.error());
    fmt::print(stderr, "Running the sample recipe in {} (at most 3 minutes on 2 cores)\n",
               folder.string());
    const auto outcome = run_recipe(common, **project, sample_recipe(folder));
    if (!outcome.ok()) return report_error(outcome.error());
    if (outcome->error) return report_error(*outcome->error);
    const auto report = core::read_file((*project)->run_folder(outcome->run_id) / "report.md");
    if (!report.ok()) return report_error(report.error());
    fmt::print("{}", *report);
    return outcome->state == core::RunState::Finished ? kExitDone : kExitItemFailed;
}

}  // namespace

void add_project_commands(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<NewOptions>();
    auto* command = parser.add_subcommand("new", "Make a project folder");
    command->footer("Example: dayrun new night --sample");
    command->add_option("folder", options->folder, "Folder of the project")->required();
    command->add_flag("--sample", options->sample, "With the sample base model, data and recipe");
    command->callback([&chosen, options] {
        chosen = [options](const CommonOptions& common) { return make_project(common, *options); };
    });
    parser.add_flag_callback(
        "--sample", [&chosen] { chosen = run_sample; },
        "Open the sample project; without a display, run its recipe and print the report");
}

}  // namespace dayrun::app
