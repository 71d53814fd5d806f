// Reads queue files and runs them item by item. Neighbours: recipe_yaml.h reads each recipe,
// run_session.h runs it. Any thread.
#include "core/run/run_queue.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "core/base/atomic_file.h"
#include "core/base/clock.h"
#include "core/run/run_session.h"

namespace dayrun::core {

namespace {

Error bad_queue(const std::filesystem::path& path, const YAML::Mark& mark, std::string message,
                std::string hint = {}) {
    return {.code = ErrorCode::BadRecipe,
            .message = std::move(message),
            .hint = std::move(hint),
            .where = {path.string(), mark.is_null() ? 0 : mark.line + 1,
                      mark.is_null() ? 0 : mark.column + 1}};
}

// The text of a value as it stands in the file: a list or a map in its short form.
std::string flow_text(const YAML::Node& node) {
    if (node.IsNull()) return {};
    if (node.IsScalar()) return node.Scalar();
    YAML::Emitter emitter;
    emitter.SetMapFormat(YAML::Flow);
    emitter.SetSeqFormat(YAML::Flow);
    emitter << node;
    return emitter.c_str();
}

Result<QueueItem> read_item(const std::filesystem::path& path, const YAML::Node& node) {
    if (!node.IsMap()) {
        return bad_queue(path, node.Mark(), "Each of `runs` is a map with recipe, set and name.");
    }
    QueueItem item;
    std::string name;
    for (const auto& entry : node) {
        const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
        const YAML::Node& value = entry.second;
        if (key == "recipe" && value.IsScalar()) {
            item.recipe_path = path.parent_path() / value.Scalar();
        } else if (key == "name" && value.IsScalar()) {
            name = value.Scalar();
        } else if (key == "set" && value.IsMap()) {
            for (const auto& setting : value) {
                item.set.emplace_back(setting.first.Scalar(), flow_text(setting.second));
            }
        } else if (key == "recipe" || key == "name" || key == "set") {
            return bad_queue(path, value.Mark(), fmt::format("`{}` has the wrong form.", key),
                             "recipe and name are texts, set is a map of settings.");
        } else {
            return bad_queue(path, entry.first.Mark(),
                             fmt::format("Unknown key '{}' in a queue.", key),
                             "A run of a queue has recipe, set and name.");
        }
    }
    if (item.recipe_path.empty()) {
        return bad_queue(path, node.Mark(), "This run has no `recipe`.");
    }
    auto recipe = read_recipe(item.recipe_path, item.set);
    if (!recipe.ok()) {
        Error error = std::move(recipe).error();
        // A fault of `set` has no place in the recipe: it is in this run of the queue.
        if (error.where.file.empty()) {
            error.where = {path.string(), node.Mark().line + 1, node.Mark().column + 1};
        }
        return error;
    }
    item.recipe = std::move(recipe).value();
    if (!name.empty()) item.recipe.name = name;
    item.run_id = new_run_id();
    return item;
}

Result<std::vector<QueueItem>> read_items(const std::filesystem::path& path,
                                          const YAML::Node& queue) {
    for (const auto& entry : queue) {
        if (entry.first.IsScalar() && entry.first.Scalar() == "runs") continue;
        return bad_queue(path, entry.first.Mark(),
                         fmt::format("Unknown key '{}' in a queue.", entry.first.Scalar()),
                         "A queue has `runs` only; settings of a run go into its `set`.");
    }
    const YAML::Node runs = queue["runs"];
    if (!runs.IsSequence() || runs.size() == 0) {
        return bad_queue(path, runs.Mark(), "`runs` is a list with at least one run.");
    }
    std::vector<QueueItem> items;
    for (const auto& run : runs) {
        TRY(item, read_item(path, run));
        items.push_back(std::move(item));
    }
    return items;
}

Result<std::vector<QueueItem>> read_one_recipe(const std::filesystem::path& path) {
    TRY(recipe, read_recipe(path));
    std::vector<QueueItem> items(1);
    items.front().recipe_path = path;
    items.front().recipe = std::move(recipe);
    items.front().run_id = new_run_id();
    return items;
}

}  // namespace

Result<std::vector<QueueItem>> read_queue(const std::filesystem::path& path) {
    TRY(text, read_file(path));
    try {
        const YAML::Node root = YAML::Load(text);
        // A recipe has no key `runs`; its own reader tells what is wrong with anything else.
        if (!root.IsMap() || !root["runs"]) return read_one_recipe(path);
        return read_items(path, root);
    } catch (const YAML::Exception& failure) {
        return bad_queue(path, failure.mark, fmt::format("This is not YAML: {}.", failure.msg));
    }
}

namespace {

RunOutcome tell_done(const QueueItem& item, RunListener& listener) {
    const RunRecord& record = *item.done;
    std::vector<std::pair<std::string, std::string>> exports;
    const bool is_adapter = item.recipe.adapter.method != AdapterMethod::Full;
    if (!record.adapter.empty() && is_adapter) exports.emplace_back("peft", record.adapter);
    const auto tell = [&](RunEventBody body) {
        listener.on_event({.run_id = record.run_id, .at = unix_time_s(), .body = std::move(body)});
    };
    tell(LogLine{"info", fmt::format("{} is finished already.", record.name)});
    tell(RunFinished{.state = record.state,
                     .best_eval_loss = record.best_eval_loss,
                     .best_step = record.best_step,
                     .adapter = record.adapter,
                     .exports = std::move(exports)});
    return {.run_id = record.run_id,
            .state = record.state,
            .error = {},
            .steps = record.last_step,
            .best_eval_loss = record.best_eval_loss,
            .best_step = record.best_step,
            .adapter = record.adapter};
}

}  // namespace

std::vector<RunOutcome> run_queue(Project& project, const EngineFactory& make_engine,
                                  RunControl& control, RunListener& listener,
                                  const std::vector<QueueItem>& items, const RunOrder& common) {
    std::vector<RunOutcome> outcomes;
    for (const QueueItem& item : items) {
        if (control.request() != RunRequest::None) break;
        if (item.done) {
            outcomes.push_back(tell_done(item, listener));
            continue;
        }
        RunOrder order = common;
        order.recipe = item.recipe;
        order.run_id = item.run_id;
        order.resumes = item.resumes;
        outcomes.push_back(RunSession(project, make_engine, control, listener).run(order));
    }
    return outcomes;
}

}  // namespace dayrun::core
