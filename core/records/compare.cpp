// Reads several runs and says in which settings they differ. Neighbours: run_query.h for the
// curves, core/recipe for the difference. Any thread that has its own RunQuery.
#include "core/records/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/recipe/recipe_yaml.h"

namespace dayrun::core {

namespace {

// Keys that say where a run lies and not how it was trained; they never name a curve.
bool is_naming(const std::string& key) {
    return key == "name";
}

std::string last_word(const std::string& key) {
    const size_t dot = key.rfind('.');
    return dot == std::string::npos ? key : key.substr(dot + 1);
}

// "lora_rank", or "optimizer.name" where another differing key ends in the same word.
std::string short_key(const std::string& key, const std::vector<SettingDiff>& settings) {
    const auto same = std::count_if(
        settings.begin(), settings.end(),
        [&](const SettingDiff& other) { return last_word(other.key) == last_word(key); });
    return same > 1 ? key : last_word(key);
}

std::string label_of(const std::vector<SettingDiff>& settings, size_t run,
                     const RunRecord& record) {
    std::string label;
    for (const SettingDiff& setting : settings) {
        if (is_naming(setting.key)) continue;
        const std::string& value = setting.values[run];
        label += fmt::format("{}{} {}", label.empty() ? "" : ", ", short_key(setting.key, settings),
                             value.empty() ? "(none)" : value);
    }
    return label.empty() ? fmt::format("{} ({})", record.name, record.run_id) : label;
}

}  // namespace

Result<Comparison> compare_runs(const RunQuery& query, const std::vector<std::string>& runs,
                                const CompareOptions& options) {
    Comparison comparison;
    std::vector<Recipe> recipes;
    for (const std::string& wanted : runs) {
        TRY(record, query.run(wanted));
        TRY(recipe, parse_recipe(record.recipe_yaml,
                                 fmt::format("the recipe of run {}", record.run_id), {}));
        recipes.push_back(std::move(recipe));
        ComparedRun run;
        run.record = std::move(record);
        TRY(loss, query.series(run.record.run_id, StepColumn::Loss, options.columns, options.axis));
        TRY(eval_loss, query.eval_series(run.record.run_id, "all", options.axis));
        run.loss = std::move(loss);
        run.eval_loss = std::move(eval_loss);
        comparison.runs.push_back(std::move(run));
    }
    comparison.settings = recipe_diff(recipes);
    for (size_t i = 0; i < comparison.runs.size(); ++i) {
        ComparedRun& run = comparison.runs[i];
        run.label = label_of(comparison.settings, i, run.record);
        if (run.record.build_id != comparison.runs.front().record.build_id) {
            comparison.builds_differ = true;
        }
    }
    return comparison;
}

}  // namespace dayrun::core
