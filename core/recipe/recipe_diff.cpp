// The settings in which recipes differ. Neighbour: recipe_schema.h.
#include <algorithm>

#include "core/recipe/recipe_schema.h"

namespace dayrun::core {

std::vector<SettingDiff> recipe_diff(std::span<const Recipe> recipes) {
    if (recipes.empty()) return {};
    // The recipe with the most sources has all keys the others have.
    const Recipe& longest = *std::max_element(
        recipes.begin(), recipes.end(),
        [](const Recipe& a, const Recipe& b) { return a.data.size() < b.data.size(); });
    std::vector<SettingDiff> differences;
    for (const std::string& key : setting_keys(longest)) {
        SettingDiff diff{key, {}};
        for (const Recipe& recipe : recipes) diff.values.push_back(setting_value(recipe, key));
        const bool same =
            std::all_of(diff.values.begin(), diff.values.end(),
                        [&](const std::string& value) { return value == diff.values[0]; });
        if (!same) differences.push_back(std::move(diff));
    }
    return differences;
}

}  // namespace dayrun::core
