// dayrun plan RECIPE: the pre-flight sheet.
#include <memory>

#include "app/command.h"
#include "app/plan_text.h"
#include "app/wiring.h"
#include "core/base/units.h"
#include "core/recipe/recipe_yaml.h"

namespace dayrun::app {
namespace {

struct PlanCommandOptions {
    std::string recipe;
    std::string project;
    std::string device_memory;
};

int run_plan(const CommonOptions& common, const PlanCommandOptions& given) {
    const auto recipe = core::read_recipe(given.recipe);
    if (!recipe.ok()) return report_error(recipe.error());
    core::PlanOptions options;
    const auto device = choose_device(common);
    if (!device.ok()) return report_error(device.error());
    options.threads = device->threads;
    options.project_folder = project_folder_of(recipe->folder, given.project);
    options.cache_folder = options.project_folder / "cache";
    if (!given.device_memory.empty()) {
        const auto bytes = core::parse_bytes(given.device_memory);
        if (!bytes.ok()) return report_error(bytes.error());
        if (*bytes == 0) {
            return report_error({.code = core::ErrorCode::BadUsage,
                                 .message = "--device-memory is 0: no card has that.",
                                 .hint = "Give what the card has, for example 23.0GiB."});
        }
        options.device_memory_bytes = *bytes;
    } else {
        const auto memory = card_memory(*device, *recipe);
        if (!memory.ok()) return report_error(memory.error());
        options.device_memory_bytes = *memory;
    }
    // The speed of an earlier run of the same base in this project makes the time plan a measured
    // one.
    if (core::Project::is_project(options.project_folder)) {
        const auto project =
            core::Project::open(options.project_folder, core::ProjectAccess::ReadOnly);
        if (project.ok()) {
            if (const auto query = (*project)->query(); query.ok()) {
                options.tokens_per_second = query->measured_tokens_per_second(
                    recipe->resolved(recipe->base.path).string(), device_name(*device));
                options.speed_basis = "measured in an earlier run of this base";
            }
        }
    }
    auto sheet = core::make_plan(*recipe, options);
    if (!sheet.ok()) return report_error(sheet.error());
    const bool can_start = sheet->can_start();
    print_plans({{recipe->name, std::move(sheet).value()}}, common.json);
    return can_start ? kExitDone : kExitItemFailed;
}

}  // namespace

void add_plan_command(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<PlanCommandOptions>();
    auto* command =
        parser.add_subcommand("plan", "The pre-flight sheet: memory, time, disk, checks");
    command->footer("Example: dayrun plan recipe.yaml --device-memory 23.0GiB");
    command->add_option("recipe", options->recipe, "Recipe file")->required();
    command->add_option("--project", options->project,
                        "Project folder; default: the one the recipe lies in, else beside it");
    command->add_option("--device-memory", options->device_memory,
                        "Plan for a card with this much memory, for example 23.0GiB");
    command->callback([&chosen, options] {
        chosen = [options](const CommonOptions& common) { return run_plan(common, *options); };
    });
}

}  // namespace dayrun::app
