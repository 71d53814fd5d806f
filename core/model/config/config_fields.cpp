// Body of config_fields.h.
#include "core/model/config/config_fields.h"

#include <fmt/format.h>

#include <cmath>

namespace dayrun::core {
namespace {

const nlohmann::json kNull;

/// A value as people read it, cut short when it is long.
std::string shown(const nlohmann::json& value) {
    std::string text = value.dump(-1, ' ', true);
    return text.size() > 60 ? fmt::format("{:.57}...", text) : text;
}

}  // namespace

const nlohmann::json& ConfigFields::raw(std::string_view name) const {
    const auto found = m_object.find(name);
    return found == m_object.end() ? kNull : *found;
}

void ConfigFields::fail(std::string message, std::string hint) {
    if (m_error) return;
    m_error =
        Error{.code = ErrorCode::BadModel, .message = std::move(message), .hint = std::move(hint)};
}

const nlohmann::json* ConfigFields::first_of(std::initializer_list<std::string_view> names,
                                             std::string_view& name) const {
    for (const std::string_view candidate : names) {
        if (has(candidate)) {
            name = candidate;
            return &raw(candidate);
        }
    }
    return nullptr;
}

std::optional<int64_t> ConfigFields::to_int(const nlohmann::json& value, std::string_view name,
                                            IntRange range) {
    std::optional<int64_t> number;
    if (value.is_number_unsigned()) {
        const auto wide = value.get<uint64_t>();
        if (wide <= static_cast<uint64_t>(INT64_MAX)) number = static_cast<int64_t>(wide);
    } else if (value.is_number_integer()) {
        number = value.get<int64_t>();
    }
    if (!number || *number < range.low || *number > range.high) {
        fail(fmt::format("'{}' gives {} for '{}', which must be a whole number from {} to {}.",
                         m_file, shown(value), name, range.low, range.high),
             "Get the file again from where the model comes from.");
        return std::nullopt;
    }
    return number;
}

int64_t ConfigFields::required_int(std::initializer_list<std::string_view> names, IntRange range) {
    std::string_view name = *names.begin();
    const nlohmann::json* const value = first_of(names, name);
    if (value == nullptr) {
        fail(fmt::format("'{}' has no field '{}', without which the model cannot be built.", m_file,
                         name),
             "Get the file again from where the model comes from.");
        return range.low;
    }
    return to_int(*value, name, range).value_or(range.low);
}

std::optional<int64_t> ConfigFields::optional_int(std::initializer_list<std::string_view> names,
                                                  IntRange range) {
    std::string_view name;
    const nlohmann::json* const value = first_of(names, name);
    return value == nullptr ? std::nullopt : to_int(*value, name, range);
}

std::optional<double> ConfigFields::optional_positive(
    std::initializer_list<std::string_view> names) {
    std::string_view name;
    const nlohmann::json* const value = first_of(names, name);
    if (value == nullptr) return std::nullopt;
    const double number = value->is_number() ? value->get<double>() : -1;
    if (!std::isfinite(number) || number <= 0) {
        fail(fmt::format("'{}' gives {} for '{}', which must be a number above 0.", m_file,
                         shown(*value), name),
             "Get the file again from where the model comes from.");
        return std::nullopt;
    }
    return number;
}

bool ConfigFields::boolean(std::string_view name, bool fallback) {
    const nlohmann::json& value = raw(name);
    if (value.is_null()) return fallback;
    if (!value.is_boolean()) {
        fail(fmt::format("'{}' gives {} for '{}', which must be true or false.", m_file,
                         shown(value), name),
             "Get the file again from where the model comes from.");
        return fallback;
    }
    return value.get<bool>();
}

std::string ConfigFields::text(std::string_view name, std::string_view fallback) {
    const nlohmann::json& value = raw(name);
    if (value.is_null()) return std::string(fallback);
    if (!value.is_string()) {
        fail(fmt::format("'{}' gives {} for '{}', which must be a text.", m_file, shown(value),
                         name),
             "Get the file again from where the model comes from.");
        return std::string(fallback);
    }
    return value.get<std::string>();
}

}  // namespace dayrun::core
