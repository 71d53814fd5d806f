// THE table of settings: key, type, default, range, unit, choices and help of every key of the
// recipe. The YAML check, `recipe explain`, the forms of the window, the diff and the docs read it;
// no setting is described anywhere else. Any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

enum class SettingType {
    Bool,
    Integer,
    Real,
    Text,
    Path,      // a file or folder, relative to the recipe
    Choice,    // one word of `choices`
    TextList,  // for target_modules: a list, or one string
    Integers,  // a list of row numbers
    Portion,   // rows (integer) or a share (with a point)
    Bytes,     // with a unit: 23.0GiB
    Moments,   // eval.every
    Columns,   // sample field -> column of the file
};

/// Short form of the workbench (six controls and what goes with them), or only the whole tree.
enum class SettingRank { Basic, Detailed };

struct SettingInfo {
    std::string key = {};  // "adapter.lora_rank"; of a source: "data[].copies"
    SettingType type = SettingType::Text;
    std::string label = {};                            // "LoRA rank"
    std::string unit = {};                             // "tokens", "hours", ""
    std::string help = {};                             // one line: the effect, and what it costs
    std::vector<std::string> choices = {};             // of a Choice
    std::optional<double> minimum = {}, maximum = {};  // of Integer and Real, inclusive
    bool may_be_empty = false;
    SettingRank rank = SettingRank::Detailed;
    /// Choices (or "*" for the whole key) that this version understands but cannot do, with why.
    std::vector<std::pair<std::string, std::string>> unavailable = {};
};

/// Every setting in the order of contracts.md; those of a data source once, under "data[].".
std::span<const SettingInfo> settings();
/// The entry of a key ("adapter.lora_rank", "data[2].copies" or "data[].copies"); null if unknown.
const SettingInfo* find_setting(std::string_view key);

/// The value of a key as it would stand in the file ("8", "[q_proj, v_proj]", "" when empty).
/// A source's keys are written "data[0].copies".
std::string setting_value(const Recipe& recipe, std::string_view key);
/// The default of a key, in the same form.
std::string setting_default(std::string_view key);
/// Sets one key from the text that would stand in the file; BadRecipe with the allowed range, the
/// choices or the reason why it is not available. The recipe is unchanged on an error.
Result<void> set_setting(Recipe& recipe, std::string_view key, std::string_view value);
/// All keys of this recipe, with data[0].…, data[1].… written out.
std::vector<std::string> setting_keys(const Recipe& recipe);

/// What no single key can tell: combinations that cannot be (rank > 0 with method full, a base
/// without path, weights that are all zero, …). One Error a finding.
std::vector<Error> check_recipe(const Recipe& recipe);

/// A setting in which recipes differ: one value a recipe, in the order given.
struct SettingDiff {
    std::string key;
    std::vector<std::string> values;
};
/// The settings in which the recipes differ (names and paths of the run itself included).
std::vector<SettingDiff> recipe_diff(std::span<const Recipe> recipes);

}  // namespace dayrun::core
