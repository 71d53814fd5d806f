// dayrun recipe check | explain | diff: what a recipe says, from the one table of settings.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <variant>

#include "app/command.h"
#include "core/data/curate/filter.h"
#include "core/model/config/pattern.h"
#include "core/recipe/recipe_schema.h"
#include "core/recipe/recipe_yaml.h"

namespace dayrun::app {
namespace {

using Json = nlohmann::ordered_json;

// Settings that hold a language of their own, which the recipe's reader takes as text.
core::Result<void> check_expressions(const core::Recipe& recipe) {
    const auto no_tokens = [](std::string_view) { return int64_t{0}; };  // nothing is counted here
    for (const core::DataSpec& source : recipe.data) {
        TRY_VOID(core::SampleFilter::make(source.filter, source.name, no_tokens));
    }
    const auto* const modules = std::get_if<std::string>(&recipe.adapter.target_modules);
    if (modules == nullptr) return {};
    auto pattern = core::Pattern::compile(*modules);
    if (pattern.ok()) return {};
    core::Error error = std::move(pattern).error();
    error.message = "adapter.target_modules: " + error.message;
    return error;
}

int check(const CommonOptions& common, const std::string& file) {
    const auto recipe = core::read_recipe(file);
    if (!recipe.ok()) return report_error(recipe.error());
    if (const auto sound = check_expressions(*recipe); !sound.ok()) {
        return report_error(sound.error());
    }
    if (common.json) {
        fmt::print("{}\n", Json{{"file", file}, {"name", recipe->name}, {"ok", true}}.dump());
    } else {
        fmt::print("{}: the recipe '{}' is well formed.\n", file, recipe->name);
    }
    return kExitDone;
}

// A source's default is that of a fresh source, so both share the key without its number.
std::string general(std::string key) {
    const size_t open = key.find('[');
    if (open != std::string::npos) key.erase(open + 1, key.find(']') - open - 1);
    return key;
}

int explain(const CommonOptions& common, const std::string& file) {
    const auto recipe = core::read_recipe(file);
    if (!recipe.ok()) return report_error(recipe.error());
    Json rows = Json::array();
    for (const std::string& key : core::setting_keys(*recipe)) {
        const core::SettingInfo& info = *core::find_setting(key);
        const std::string value = core::setting_value(*recipe, key);
        const std::string fallback = core::setting_default(general(key));
        if (common.json) {
            rows.push_back({{"key", key},
                            {"value", value},
                            {"default", fallback},
                            {"unit", info.unit},
                            {"help", info.help}});
            continue;
        }
        const std::string unit = info.unit.empty() ? "" : " " + info.unit;
        const std::string mark =
            value == fallback
                ? ""
                : fmt::format("  (default: {})", fallback.empty() ? "empty" : fallback);
        fmt::print("{}: {}{}{}\n    {}\n", key, value.empty() ? "(empty)" : value,
                   value.empty() ? "" : unit, mark, info.help);
    }
    if (common.json) fmt::print("{}\n", rows.dump());
    return kExitDone;
}

int diff(const CommonOptions& common, const std::string& first, const std::string& second) {
    std::vector<core::Recipe> recipes;
    for (const std::string& file : {first, second}) {
        auto recipe = core::read_recipe(file);
        if (!recipe.ok()) return report_error(recipe.error());
        recipes.push_back(std::move(*recipe));
    }
    const auto differences = core::recipe_diff(recipes);
    if (common.json) {
        Json rows = Json::array();
        for (const auto& one : differences)
            rows.push_back({{"key", one.key}, {"values", one.values}});
        fmt::print("{}\n", rows.dump());
        return kExitDone;
    }
    if (differences.empty()) fmt::print("The recipes say the same.\n");
    for (const auto& one : differences) {
        fmt::print("{}: {} -> {}\n", one.key, one.values[0].empty() ? "(empty)" : one.values[0],
                   one.values[1].empty() ? "(empty)" : one.values[1]);
    }
    return kExitDone;
}

}  // namespace

void add_recipe_commands(CLI::App& parser, Action& chosen) {
    auto files = std::make_shared<std::pair<std::string, std::string>>();
    auto* group = parser.add_subcommand("recipe", "Check, explain or compare recipe files");
    group->footer("Example: dayrun recipe explain upaya.yaml");
    group->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, auto run) {
        auto* command = group->add_subcommand(name, help);
        command->footer(fmt::format("Example: dayrun recipe {} upaya.yaml", name));
        command->add_option("file", files->first, "Recipe file")->required();
        command->callback([&chosen, files, run] {
            chosen = [files, run](const CommonOptions& common) {
                return run(common, files->first);
            };
        });
    };
    add("check", "Tell whether a recipe is well formed", check);
    add("explain", "Every key with value, default and what it does", explain);
    auto* compare = group->add_subcommand("diff", "The settings in which two recipes differ");
    compare->footer("Example: dayrun recipe diff upaya.yaml mine.yaml");
    compare->add_option("a", files->first, "Recipe file")->required();
    compare->add_option("b", files->second, "Recipe file")->required();
    compare->callback([&chosen, files] {
        chosen = [files](const CommonOptions& common) {
            return diff(common, files->first, files->second);
        };
    });
}

}  // namespace dayrun::app
