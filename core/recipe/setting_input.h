// A value as it stands in a recipe file, before it has a type: the bridge between the YAML reader
// (recipe_yaml.cpp) and the table of settings (recipe_settings.cpp). Plain values: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe_schema.h"

namespace dayrun::core {

struct SettingInput {
    enum class Kind { Empty, Scalar, List, Map } kind = Kind::Empty;
    std::string text;                 // of a scalar
    bool quoted = false;              // "8" in quotes is a text, not a number
    std::vector<SettingInput> items;  // of a list
    // Of a map. No std::pair: it asks whether this still incomplete type can be made.
    struct Entry;
    std::vector<Entry> entries;
};
struct SettingInput::Entry {
    std::string key;
    SettingInput value;
};

SettingInput scalar_input(std::string text);

/// One row of the table: how a setting is described, read from and written into a Recipe.
/// `index` is the data source for keys under data[], else 0.
struct SettingEntry {
    SettingInfo info;
    SettingInput (*get)(const Recipe& recipe, size_t index, const SettingInfo& info);
    /// The error's message is a sentence without the key: "must be between 1 and 1024".
    Result<void> (*set)(Recipe& recipe, size_t index, const SettingInput& input,
                        const SettingInfo& info);
};

/// The table itself, in the order of contracts.md. Neighbour: recipe_settings.cpp.
const std::vector<SettingEntry>& setting_entries();
/// The entry and the source index of a key such as "data[2].copies"; entry null if unknown.
struct SettingLookup {
    const SettingEntry* entry = nullptr;
    size_t index = 0;
};
SettingLookup look_up_setting(std::string_view key);

/// Type, range, choice and availability check, then the write. Errors name the key.
Result<void> assign_setting(Recipe& recipe, std::string_view key, const SettingInput& input);

/// Reads one value in YAML flow form ("8", "[a, b]", "{steps: 64}"). In recipe_yaml.cpp.
Result<SettingInput> parse_setting_text(std::string_view text);
/// The value in YAML flow form; parse_setting_text gives it back.
std::string flow_text(const SettingInput& input);

}  // namespace dayrun::core
