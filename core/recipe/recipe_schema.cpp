// Look-up, reading and writing by key over the table in recipe_settings.cpp.
#include "core/recipe/recipe_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "core/recipe/nearest_word.h"
#include "core/recipe/setting_input.h"

namespace dayrun::core {
namespace {

struct KeyIndex {
    std::string general;  // "data[].copies" of "data[2].copies"
    size_t index = 0;
};

KeyIndex split_index(std::string_view key) {
    const size_t open = key.find('[');
    const size_t close = key.find(']');
    KeyIndex result{std::string(key), 0};
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return result;
    }
    const std::string_view digits = key.substr(open + 1, close - open - 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), result.index);
    result.general.erase(open + 1, digits.size());
    return result;
}

// The reason why a value, understood as it is, cannot be had in this version.
std::optional<std::string> unavailable_reason(const SettingInfo& info, const SettingInput& input) {
    for (const auto& [value, reason] : info.unavailable) {
        if (value == "*" && input.kind != SettingInput::Kind::Empty) return reason;
        if (input.text == value) return reason;
        for (const SettingInput& item : input.items) {
            if (item.text == value) return reason;
        }
    }
    return std::nullopt;
}

const Recipe& default_recipe() {
    static const Recipe s_recipe = [] {
        Recipe recipe;
        recipe.data.emplace_back();
        return recipe;
    }();
    return s_recipe;
}

bool reads_verbatim(SettingType type) {
    return type == SettingType::Text || type == SettingType::Path;
}

std::string value_text(const SettingEntry& entry, const Recipe& recipe, size_t index) {
    const SettingInput input = entry.get(recipe, index, entry.info);
    return reads_verbatim(entry.info.type) ? input.text : flow_text(input);
}

}  // namespace

std::span<const SettingInfo> settings() {
    static const std::vector<SettingInfo> s_infos = [] {
        std::vector<SettingInfo> infos;
        for (const SettingEntry& entry : setting_entries()) infos.push_back(entry.info);
        return infos;
    }();
    return s_infos;
}

SettingLookup look_up_setting(std::string_view key) {
    static const auto s_by_key = [] {
        std::map<std::string, const SettingEntry*> map;
        for (const SettingEntry& entry : setting_entries()) map.emplace(entry.info.key, &entry);
        return map;
    }();
    const KeyIndex parts = split_index(key);
    const auto found = s_by_key.find(parts.general);
    return found == s_by_key.end() ? SettingLookup{} : SettingLookup{found->second, parts.index};
}

const SettingInfo* find_setting(std::string_view key) {
    const SettingLookup found = look_up_setting(key);
    return found.entry == nullptr ? nullptr : &found.entry->info;
}

Result<void> assign_setting(Recipe& recipe, std::string_view key, const SettingInput& input) {
    const auto [entry, index] = look_up_setting(key);
    if (entry == nullptr) {
        std::vector<std::string> known;
        for (const SettingEntry& one : setting_entries()) known.push_back(one.info.key);
        const std::string nearest = nearest_word(key, known);
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("There is no setting '{}'.", key),
                     .hint = nearest.empty() ? "`dayrun recipe explain` lists all settings."
                                             : fmt::format("Did you mean '{}'?", nearest)};
    }
    if (key.starts_with("data[") && index >= recipe.data.size()) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("The recipe has {} data sources, so there is no '{}'.",
                                            recipe.data.size(), key)};
    }
    const auto named = [&](Error error) {
        // Sentences of other rooms come with their own point.
        const bool is_sentence = error.message.ends_with('.');
        error.message = fmt::format("{} {}{}", key, error.message, is_sentence ? "" : ".");
        return error;
    };
    if (input.kind == SettingInput::Kind::Empty && !entry->info.may_be_empty) {
        return named({.code = ErrorCode::BadRecipe, .message = "must not be empty"});
    }
    Recipe changed = recipe;
    if (auto done = entry->set(changed, index, input, entry->info); !done.ok()) {
        return named(std::move(done).error());
    }
    if (const auto reason = unavailable_reason(entry->info, input)) {
        return named({.code = ErrorCode::Unsupported,
                      .message = fmt::format("cannot be {} in this version: {}", flow_text(input),
                                             *reason)});
    }
    recipe = std::move(changed);
    return {};
}

std::string setting_value(const Recipe& recipe, std::string_view key) {
    const auto [entry, index] = look_up_setting(key);
    const bool of_source = key.starts_with("data[");
    if (entry == nullptr || (of_source && index >= recipe.data.size())) return {};
    return value_text(*entry, recipe, index);
}

std::string setting_default(std::string_view key) {
    const SettingEntry* entry = look_up_setting(key).entry;
    return entry == nullptr ? std::string() : value_text(*entry, default_recipe(), 0);
}

Result<void> set_setting(Recipe& recipe, std::string_view key, std::string_view value) {
    const SettingInfo* info = find_setting(key);
    if (info != nullptr && reads_verbatim(info->type)) {
        return assign_setting(recipe, key,
                              value.empty() ? SettingInput{} : scalar_input(std::string(value)));
    }
    TRY(input, parse_setting_text(value));
    return assign_setting(recipe, key, input);
}

std::vector<std::string> setting_keys(const Recipe& recipe) {
    std::vector<std::string> keys;
    std::vector<std::string> source_keys;
    const auto flush_sources = [&] {
        for (size_t i = 0; i < recipe.data.size(); ++i) {
            for (const std::string& key : source_keys) {
                keys.push_back(fmt::format("data[{}]{}", i, key.substr(6)));
            }
        }
        source_keys.clear();
    };
    for (const SettingInfo& info : settings()) {
        if (info.key.starts_with("data[]")) {
            source_keys.push_back(info.key);
            continue;
        }
        flush_sources();
        keys.push_back(info.key);
    }
    return keys;
}

}  // namespace dayrun::core
