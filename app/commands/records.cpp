// dayrun runs | show | compare: what a project holds, read-only, also while another Dayrun trains.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "core/base/clock.h"
#include "core/base/units.h"
#include "core/records/compare.h"
#include "core/records/project.h"
#include "core/run/resume/base_record.h"
#include "core/run/run_files.h"

namespace dayrun::app {
namespace {

using Json = nlohmann::ordered_json;

struct RecordOptions {
    std::string project = ".";
    std::vector<std::string> runs;
};

core::Result<core::RunQuery> open_query(const RecordOptions& options) {
    TRY(project, core::Project::open(options.project, core::ProjectAccess::ReadOnly));
    return project->query();
}

Json number(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

std::string loss_text(double value) {
    return std::isfinite(value) ? fmt::format("{:.4f}", value) : "-";
}

std::string state_text(const core::RunRecord& run) {
    return run.interrupted ? "interrupted" : std::string(core::to_string(run.state));
}

Json run_json(const core::RunRecord& run) {
    return {{"run_id", run.run_id},
            {"parent_run_id", run.parent_run_id},
            {"name", run.name},
            {"state", core::to_string(run.state)},
            {"interrupted", run.interrupted},
            {"started_at", number(run.started_at)},
            {"finished_at", number(run.finished_at)},
            {"last_step", run.last_step},
            {"total_steps", run.total_steps},
            {"last_loss", number(run.last_loss)},
            {"best_eval_loss", number(run.best_eval_loss)},
            {"best_step", run.best_step},
            {"wall_s", number(run.wall_s)},
            {"device_name", run.device_name},
            {"build_id", run.build_id},
            {"recipe_sha256", run.recipe_sha256},
            {"data_sha256", run.data_sha256},
            {"adapter", run.adapter},
            {"error", run.error}};
}

int list_runs(const CommonOptions& common, const RecordOptions& options) {
    const auto query = open_query(options);
    if (!query.ok()) return report_error(query.error());
    const auto runs = query->runs();
    if (!runs.ok()) return report_error(runs.error());
    if (common.json) {
        Json rows = Json::array();
        for (const auto& run : *runs) rows.push_back(run_json(run));
        fmt::print("{}\n", rows.dump());
        return kExitDone;
    }
    if (runs->empty()) {
        fmt::print("The project holds no runs yet. Start one with: dayrun --batch recipe.yaml\n");
        return kExitDone;
    }
    fmt::print("{:<10}{:<22}{:<13}{:>12}{:>12}{:>12}  {}\n", "run", "name", "state", "steps",
               "loss (nats)", "best eval", "started");
    for (const auto& run : *runs) {
        fmt::print("{:<10}{:<22}{:<13}{:>12}{:>12}{:>12}  {}\n", run.run_id, run.name,
                   state_text(run), fmt::format("{}/{}", run.last_step, run.total_steps),
                   loss_text(run.last_loss), loss_text(run.best_eval_loss),
                   core::iso_time(run.started_at));
    }
    return kExitDone;
}

/// What a run recorded of its base; empty when an older Dayrun, or none yet, loaded it. A record
/// that cannot be read is told: the rest of the run is shown all the same.
std::string base_sha256(const core::Project& project, const std::string& run_id) {
    const auto recorded =
        core::recorded_base(core::RunFiles(project.run_folder(run_id)).base(), "");
    if (recorded.ok()) return recorded->sha256;
    fmt::print(stderr, "dayrun: {}\n", recorded.error().text());
    return {};
}

int show_run(const CommonOptions& common, const RecordOptions& options) {
    const auto project = core::Project::open(options.project, core::ProjectAccess::ReadOnly);
    if (!project.ok()) return report_error(project.error());
    const auto query = (*project)->query();
    if (!query.ok()) return report_error(query.error());
    const auto run = query->run(options.runs.at(0));
    if (!run.ok()) return report_error(run.error());
    const auto evals = query->evals(run->run_id);
    if (!evals.ok()) return report_error(evals.error());
    if (common.json) {
        Json document = run_json(*run);
        document["recipe_yaml"] = run->recipe_yaml;
        document["base_sha256"] = base_sha256(**project, run->run_id);
        Json rows = Json::array();
        for (const auto& eval : *evals) {
            rows.push_back({{"step", eval.step},
                            {"source_id", eval.source_id},
                            {"loss", number(eval.loss)},
                            {"target_tokens", eval.target_tokens}});
        }
        document["evals"] = rows;
        fmt::print("{}\n", document.dump());
        return kExitDone;
    }
    fmt::print("run {}  {}  {}\n", run->run_id, run->name, state_text(*run));
    fmt::print("  started      {}\n  device       {}\n  build        {}\n",
               core::iso_time(run->started_at), run->device_name, run->build_id);
    fmt::print("  steps        {} of {} in {}\n", run->last_step, run->total_steps,
               core::format_duration(run->wall_s));
    fmt::print("  last loss    {} nats\n  best eval    {} nats at step {}\n",
               loss_text(run->last_loss), loss_text(run->best_eval_loss), run->best_step);
    if (!run->adapter.empty()) fmt::print("  adapter      {}\n", run->adapter);
    const std::string base = base_sha256(**project, run->run_id);
    if (!base.empty()) fmt::print("  base         {}\n", base);
    if (!run->error.empty()) fmt::print("  failed with  {}\n", run->error);
    for (const auto& eval : *evals) {
        fmt::print("  validation   step {:>6}  {:<20} loss {:.4f} nats over {}\n", eval.step,
                   eval.source_id, eval.loss, core::count_of(eval.target_tokens, "token"));
    }
    fmt::print("\n{}", run->recipe_yaml);
    return kExitDone;
}

Json series_json(const core::Series& series) {
    return {{"x", series.x}, {"y", series.y}};
}

int compare(const CommonOptions& common, const RecordOptions& options) {
    const auto query = open_query(options);
    if (!query.ok()) return report_error(query.error());
    const auto comparison = core::compare_runs(*query, options.runs);
    if (!comparison.ok()) return report_error(comparison.error());
    if (common.json) {
        Json runs = Json::array();
        for (const auto& one : comparison->runs) {
            Json document = run_json(one.record);
            document["label"] = one.label;
            document["loss"] = series_json(one.loss);
            document["eval_loss"] = series_json(one.eval_loss);
            runs.push_back(document);
        }
        Json settings = Json::array();
        for (const auto& one : comparison->settings) {
            settings.push_back({{"key", one.key}, {"values", one.values}});
        }
        fmt::print("{}\n", Json{{"runs", runs},
                                {"settings", settings},
                                {"builds_differ", comparison->builds_differ}}
                               .dump());
        return kExitDone;
    }
    fmt::print("{:<34}", "");
    for (const auto& one : comparison->runs) fmt::print("{:>18}", one.record.run_id);
    fmt::print("\n{:<34}", "best validation loss (nats)");
    for (const auto& one : comparison->runs)
        fmt::print("{:>18}", loss_text(one.record.best_eval_loss));
    fmt::print("\n{:<34}", "last training loss (nats)");
    for (const auto& one : comparison->runs) fmt::print("{:>18}", loss_text(one.record.last_loss));
    fmt::print("\n{:<34}", "time");
    for (const auto& one : comparison->runs) {
        fmt::print("{:>18}", core::format_duration(one.record.wall_s));
    }
    fmt::print("\n");
    for (const auto& setting : comparison->settings) {
        fmt::print("{:<34}", setting.key);
        for (const std::string& value : setting.values) fmt::print("{:>18}", value);
        fmt::print("\n");
    }
    if (comparison->builds_differ) {
        fmt::print(
            "The runs come from different builds of Dayrun; small differences may be theirs.\n");
    }
    return kExitDone;
}

}  // namespace

void add_record_commands(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<RecordOptions>();
    const auto add = [&](const char* name, const char* help, const char* example, auto run,
                         size_t least, size_t most) {
        auto* command = parser.add_subcommand(name, help);
        command->footer(std::string("Example: ") + example);
        command->add_option("--project", options->project, "Project folder")->capture_default_str();
        if (most > 0) {
            command->add_option("run", options->runs, "Run id, its beginning, or a name")
                ->required()
                ->expected(static_cast<int>(least), static_cast<int>(most));
        }
        command->callback([&chosen, options, run] {
            chosen = [options, run](const CommonOptions& common) { return run(common, *options); };
        });
    };
    add("runs", "The runs of a project", "dayrun runs --project night", list_runs, 0, 0);
    add("show", "One run: figures, validations and its frozen recipe", "dayrun show 7f3a", show_run,
        1, 1);
    add("compare", "Runs side by side with the settings that differ", "dayrun compare 7f3a 91bc",
        compare, 2, 64);
}

}  // namespace dayrun::app
