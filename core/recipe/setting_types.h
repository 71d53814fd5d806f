// How each C++ type of a recipe field reads from and writes to a SettingInput. Used by the table
// in recipe_settings.cpp only. Messages are sentences without the key.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/base/units.h"
#include "core/recipe/setting_input.h"

namespace dayrun::core {

Error bad_value(std::string message, std::string hint = {});
Result<int64_t> to_integer(const SettingInput& input, const SettingInfo& info);
Result<double> to_real(const SettingInput& input, const SettingInfo& info);
Result<std::string> to_text(const SettingInput& input);
Result<size_t> to_choice(const SettingInput& input, const SettingInfo& info);
std::string real_text(double value);

Result<void> read_field(bool& field, const SettingInput& input, const SettingInfo& info);
Result<void> read_field(double& field, const SettingInput& input, const SettingInfo& info);
Result<void> read_field(std::string& field, const SettingInput& input, const SettingInfo& info);
Result<void> read_field(Portion& field, const SettingInput& input, const SettingInfo& info);
Result<void> read_field(std::vector<EvalEvery>& field, const SettingInput& input,
                        const SettingInfo& info);
Result<void> read_field(std::vector<std::string>& field, const SettingInput& input,
                        const SettingInfo& info);
/// Sorted, each number once.
Result<void> read_field(std::vector<int64_t>& field, const SettingInput& input,
                        const SettingInfo& info);
Result<void> read_field(std::vector<ExportFormat>& field, const SettingInput& input,
                        const SettingInfo& info);
Result<void> read_field(std::variant<std::vector<std::string>, std::string>& field,
                        const SettingInput& input, const SettingInfo& info);
Result<void> read_field(std::vector<std::pair<std::string, std::string>>& field,
                        const SettingInput& input, const SettingInfo& info);

template <typename T>
requires(std::is_integral_v<T> &&
         !std::is_same_v<T, bool>) Result<void> read_field(T& field, const SettingInput& input,
                                                           const SettingInfo& info) {
    TRY(value, to_integer(input, info));
    field = static_cast<T>(value);
    return {};
}

// The choices of the table stand in the order of the enum.
template <typename T>
requires std::is_enum_v<T> Result<void> read_field(T& field, const SettingInput& input,
                                                   const SettingInfo& info) {
    TRY(index, to_choice(input, info));
    field = static_cast<T>(index);
    return {};
}

template <typename T>
Result<void> read_field(std::optional<T>& field, const SettingInput& input,
                        const SettingInfo& info) {
    if (input.kind == SettingInput::Kind::Empty) {
        field.reset();
        return {};
    }
    T value{};
    if constexpr (std::is_same_v<T, int64_t>) {
        if (info.type == SettingType::Bytes) {
            TRY(text, to_text(input));
            TRY(bytes, parse_bytes(text));
            field = bytes;
            return {};
        }
    }
    TRY_VOID(read_field(value, input, info));
    field = value;
    return {};
}

SettingInput write_field(bool field, const SettingInfo& info);
SettingInput write_field(double field, const SettingInfo& info);
SettingInput write_field(const std::string& field, const SettingInfo& info);
SettingInput write_field(const Portion& field, const SettingInfo& info);
SettingInput write_field(const std::vector<EvalEvery>& field, const SettingInfo& info);
SettingInput write_field(const std::vector<std::string>& field, const SettingInfo& info);
SettingInput write_field(const std::vector<int64_t>& field, const SettingInfo& info);
SettingInput write_field(const std::vector<ExportFormat>& field, const SettingInfo& info);
SettingInput write_field(const std::variant<std::vector<std::string>, std::string>& field,
                         const SettingInfo& info);
SettingInput write_field(const std::vector<std::pair<std::string, std::string>>& field,
                         const SettingInfo& info);

template <typename T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) SettingInput
    write_field(T field, const SettingInfo&) {
    return scalar_input(std::to_string(field));
}

template <typename T>
requires std::is_enum_v<T> SettingInput write_field(T field, const SettingInfo& info) {
    return scalar_input(info.choices.at(static_cast<size_t>(field)));
}

template <typename T>
SettingInput write_field(const std::optional<T>& field, const SettingInfo& info) {
    if (!field) return {};
    if constexpr (std::is_same_v<T, int64_t>) {
        if (info.type == SettingType::Bytes) return scalar_input(std::to_string(*field) + "B");
    }
    return write_field(*field, info);
}

}  // namespace dayrun::core
