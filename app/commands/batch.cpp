// dayrun --batch QUEUE.yaml: runs a queue without a window, one JSON event a line on standard
// output, progress on standard error, exit 0/1/2. Neighbours: core/run/run_queue.h, app/progress.h.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/plan_text.h"
#include "app/progress.h"
#include "app/wiring.h"
#include "core/events/event_json.h"
#include "core/run/resume/continue_queue.h"
#include "core/run/run_queue.h"

namespace dayrun::app {
namespace {

struct BatchOptions {
    std::string queue;
    std::string project;
    bool dry_run = false;
    bool continues = false;
};

/// Events as JSON lines, flushed one by one so that a reader of the pipe sees them at once.
class JsonLines : public core::RunListener {
  public:
    void on_event(const core::RunEvent& event) override {
        fmt::print("{}\n", core::event_json(event));
        std::fflush(stdout);
    }
};

std::filesystem::path project_folder(const BatchOptions& options) {
    return project_folder_of(std::filesystem::absolute(options.queue).parent_path(),
                             options.project);
}

int dry_run(const CommonOptions& common, const BatchOptions& options, const core::Device& device,
            const std::vector<core::QueueItem>& items) {
    bool all_can_start = true;
    std::vector<NamedPlan> plans;
    for (const core::QueueItem& item : items) {
        const auto memory = card_memory(device, item.recipe);
        if (!memory.ok()) return report_error(memory.error());
        core::PlanOptions plan_options;
        plan_options.threads = device.threads;
        plan_options.device_memory_bytes = *memory;
        plan_options.project_folder = project_folder(options);
        plan_options.cache_folder = project_folder(options) / "cache";
        auto sheet = core::make_plan(item.recipe, plan_options);
        if (!sheet.ok()) return report_error(sheet.error());
        // A run, unlike a plan, needs everything.
        all_can_start = all_can_start && sheet->can_start() && sheet->missing.empty();
        plans.push_back({item.recipe.name, std::move(sheet).value()});
    }
    print_plans(plans, common.json);
    return all_can_start ? kExitDone : kExitItemFailed;
}

int run_batch(const CommonOptions& common, const BatchOptions& options) {
    auto items = core::read_queue(options.queue);
    if (!items.ok()) return report_error(items.error());
    const auto device = choose_device(common);
    if (!device.ok()) return report_error(device.error());
    if (options.dry_run) return dry_run(common, options, *device, *items);
    auto project = core::Project::open_or_create(project_folder(options));
    if (!project.ok()) return report_error(project.error());

    if (options.continues) {
        const auto matched = core::match_interrupted(**project, *items);
        if (!matched.ok()) return report_error(matched.error());
    }
    const core::RunOrder order = order_for(*device);
    std::vector<std::string> run_ids;
    for (const core::QueueItem& item : *items) run_ids.push_back(item.run_id);
    fmt::print("{}\n", core::start_json(order.build_id, run_ids));

    core::RunControl control;
    const InterruptGuard guard(control);
    JsonLines lines;
    Progress progress;
    Listeners listeners({&lines, &progress});
    const auto outcomes =
        core::run_queue(**project, engine_factory(), control, listeners, *items, order);
    const auto is_done = [](const core::RunOutcome& outcome) {
        return outcome.state == core::RunState::Finished;
    };
    const bool all_done =
        outcomes.size() == items->size() && std::all_of(outcomes.begin(), outcomes.end(), is_done);
    return all_done ? kExitDone : kExitItemFailed;
}

}  // namespace

void add_batch_options(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<BatchOptions>();
    auto* queue = parser.add_option("--batch", options->queue,
                                    "Run a queue file or one recipe without a window");
    parser
        .add_option("--project", options->project,
                    "Project folder; default: the one the queue lies in, else beside it")
        ->needs(queue);
    parser
        .add_flag("--continue", options->continues,
                  "Go on with what was interrupted; what is finished is not run again")
        ->needs(queue);
    parser.add_flag("--dry-run", options->dry_run, "Only the pre-flight sheet of every item")
        ->needs(queue);
    queue->each([&chosen, options](const std::string&) {
        chosen = [options](const CommonOptions& common) { return run_batch(common, *options); };
    });
}

}  // namespace dayrun::app
