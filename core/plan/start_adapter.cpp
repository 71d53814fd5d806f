// Setting by setting. Neighbour: start_adapter.h.
#include "core/plan/start_adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/units.h"
#include "core/model/adapter_config.h"
#include "core/recipe/recipe_schema.h"

namespace dayrun::core {

namespace {

using Targets = std::variant<std::vector<std::string>, std::string>;

// Of lists the order says nothing.
bool is_same(Targets a, Targets b) {
    for (Targets* targets : {&a, &b}) {
        auto* const list = std::get_if<std::vector<std::string>>(targets);
        if (list != nullptr) std::sort(list->begin(), list->end());
    }
    return a == b;
}

// The recipe as it would be written for this adapter.
Recipe as_the_adapter(const Recipe& recipe, const AdapterConfig& config) {
    Recipe same = recipe;
    same.adapter.method = config.use_dora     ? AdapterMethod::Dora
                          : config.use_rslora ? AdapterMethod::RsLora
                                              : AdapterMethod::Lora;
    same.adapter.lora_rank = static_cast<int>(config.rank);
    same.adapter.lora_alpha = config.alpha;
    // The default asks for nothing, so that nothing asked for is left out.
    const bool is_default = is_same(recipe.adapter.target_modules, Recipe().adapter.target_modules);
    if (!is_default && !is_same(recipe.adapter.target_modules, config.target_modules)) {
        same.adapter.target_modules = config.target_modules;
    }
    return same;
}

}  // namespace

std::optional<PreflightCheck> check_start_adapter(const Recipe& recipe) {
    if (recipe.adapter.init_from.empty()) return std::nullopt;
    const auto config = read_adapter_config(recipe.resolved(recipe.adapter.init_from));
    if (!config.ok()) return std::nullopt;
    const Recipe same = as_the_adapter(recipe, *config);
    std::vector<std::string> unused;
    for (const char* key :
         {"adapter.method", "adapter.lora_rank", "adapter.lora_alpha", "adapter.target_modules"}) {
        const std::string asked = setting_value(recipe, key);
        const std::string used = setting_value(same, key);
        if (asked != used) unused.push_back(fmt::format("{} {} (not {})", key, used, asked));
    }
    PreflightCheck check;
    check.name = "starting adapter";
    check.count = static_cast<int64_t>(unused.size());
    check.message =
        fmt::format("The run starts from the adapter '{}' as it is", recipe.adapter.init_from);
    if (unused.empty()) {
        check.message += ", which the recipe describes.";
        return check;
    }
    check.level = CheckLevel::Amber;
    check.message += fmt::format(": {}.", fmt::join(unused, ", "));
    check.hint = "Write the adapter's own values into the recipe, or leave out adapter.init_from.";
    return check;
}

}  // namespace dayrun::core
