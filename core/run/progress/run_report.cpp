// Markdown tables of a run's figures. Neighbour: run_report.h. Any thread.
#include "core/run/progress/run_report.h"

#include <fmt/format.h>

#include <cmath>

#include "core/base/units.h"
#include "core/recipe/recipe_schema.h"

namespace dayrun::core {

namespace {

std::string number(double value) {
    return std::isfinite(value) ? fmt::format("{:.6g}", value) : std::string("-");
}

// A cell must not end its own row.
std::string cell(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '|') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string result_part(const ReportInput& input) {
    const RunOutcome& outcome = input.outcome;
    std::string text = fmt::format("| | |\n|---|---|\n| state | {} |\n", to_string(outcome.state));
    const auto row = [&](std::string_view name, const std::string& value) {
        text += fmt::format("| {} | {} |\n", name, cell(value));
    };
    if (outcome.error) row("error", outcome.error->text());
    row("steps", fmt::format("{} of {}", input.progress.step, input.progress.total_steps));
    row("epochs", number(input.progress.epoch));
    row("first and last training loss", fmt::format("{} → {}", number(input.progress.first_loss),
                                                    number(input.progress.last_loss)));
    row("best validation loss",
        std::isfinite(outcome.best_eval_loss)
            ? fmt::format("{} at step {}", number(outcome.best_eval_loss), outcome.best_step)
            : std::string("nothing was validated"));
    row("adapter", outcome.adapter.empty() ? std::string("none was saved") : outcome.adapter);
    row("time", format_duration(input.progress.clock.wall_s()));
    row("time in training and validation", format_duration(input.progress.pace.device_s()));
    row("peak memory", format_bytes(input.peak_bytes));
    row("device", input.device_name);
    row("build", input.build_id);
    return text;
}

// One line a source: the figure before the run beside the one after it.
std::string exact_match_part(const std::vector<ExactMatchMeasured>& figures) {
    if (figures.empty()) return {};
    std::string text =
        "\n## Exact match on held-out rows\n\n| source | rows | before | after "
        "|\n|---|---|---|---|\n";
    const auto share = [](const ExactMatchMeasured& figure) {
        return fmt::format("{:.1f} %", 100.0 * static_cast<double>(figure.matches) /
                                           static_cast<double>(figure.rows));
    };
    for (const ExactMatchMeasured& before : figures) {
        if (before.step != 0) continue;
        std::string after = "-";
        for (const ExactMatchMeasured& figure : figures) {
            if (figure.step != 0 && figure.source_id == before.source_id) after = share(figure);
        }
        text += fmt::format("| {} | {} | {} | {} |\n", cell(before.source_id), before.rows,
                            share(before), after);
    }
    return text;
}

std::string model_part(const PreparedModel& model) {
    return fmt::format("\n## Model\n\n{}, {} parameters in {}, {} of them trained in {} modules.\n",
                       model.architecture, format_count(model.parameter_count), model.dtype,
                       format_count(model.trained_parameter_count), model.adapted_modules.size());
}

std::string settings_part(const Recipe& recipe) {
    std::string text =
        "\n## Settings that differ from the default\n\n| setting | value | default "
        "|\n|---|---|---|\n";
    for (const std::string& key : setting_keys(recipe)) {
        const std::string value = setting_value(recipe, key);
        const std::string standard = setting_default(key);
        if (value == standard) continue;
        text += fmt::format("| {} | {} | {} |\n", key, cell(value), cell(standard));
    }
    return text;
}

std::string data_part(const CompiledData& data) {
    std::string text =
        "\n## Data\n\n| source | rows in | left out | trained on | validation | cut | trained "
        "tokens "
        "| epochs |\n|---|---|---|---|---|---|---|---|\n";
    for (const SourceReport& source : data.sources) {
        text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.3g} |\n", cell(source.name),
                            source.rows_in, source.dropped.total(), source.train_rows,
                            source.validation_rows, source.truncated_rows, source.trained_tokens,
                            source.effective_epochs);
    }
    for (const SourceReport& source : data.sources) {
        for (const auto& [reason, dropped] : source.dropped.reasons) {
            text += fmt::format("\n- {}: {} left out: {}", source.name,
                                count_of(dropped.count, "row"), reason);
        }
        for (const auto& [part, rows] : source.shortened.reasons) {
            text += fmt::format("\n- {}: {} used without {}", source.name,
                                count_of(rows.count, "row"), part);
        }
    }
    for (const std::string& warning : data.warnings) text += fmt::format("\n- {}", warning);
    return text + "\n";
}

}  // namespace

std::string run_report(const ReportInput& input) {
    std::string text = fmt::format("# {} ({})\n\n", input.recipe.name, input.outcome.run_id);
    text += result_part(input);
    text += exact_match_part(input.progress.exact_match);
    if (input.model != nullptr) text += model_part(*input.model);
    text += settings_part(input.recipe);
    if (input.data != nullptr) text += data_part(*input.data);
    return text;
}

}  // namespace dayrun::core
