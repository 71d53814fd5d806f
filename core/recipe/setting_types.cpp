// Reading and writing of each field type. Neighbour: setting_types.h.
#include "core/recipe/setting_types.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cmath>

namespace dayrun::core {
namespace {

using Kind = SettingInput::Kind;

// "0.0001" and "9000000000000000": an exponent is kept for what would be longer than a person
// reads.
std::string plain_number(double value) {
    const double size = std::abs(value);
    if (size != 0 && (size < 1e-5 || size >= 1e16)) return shortest(value);
    std::array<char, 64> text;
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
    return {text.data(), end};
}

std::string range_text(const SettingInfo& info) {
    const std::string unit = info.unit.empty() ? "" : " " + info.unit;
    if (info.minimum && info.maximum) {
        if (*info.minimum == *info.maximum) return plain_number(*info.minimum) + unit;
        return fmt::format("between {} and {}{}", plain_number(*info.minimum),
                           plain_number(*info.maximum), unit);
    }
    if (info.minimum) {
        // Units are plurals: "at least 1 row".
        const bool is_one = *info.minimum == 1 && unit.ends_with('s');
        return fmt::format("at least {}{}", plain_number(*info.minimum),
                           is_one ? unit.substr(0, unit.size() - 1) : unit);
    }
    return fmt::format("at most {}{}", plain_number(info.maximum.value_or(0)), unit);
}

Result<void> check_range(double value, const SettingInfo& info) {
    const bool low = info.minimum && value < *info.minimum;
    const bool high = info.maximum && value > *info.maximum;
    if (!low && !high && std::isfinite(value)) return {};
    return bad_value(fmt::format("is {}, but must be {}", shortest(value), range_text(info)));
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value{};
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string shown(const SettingInput& input) {
    std::string text = flow_text(input);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text.empty() ? "empty" : text;
}

Result<std::vector<std::string>> to_text_list(const SettingInput& input) {
    if (input.kind == Kind::Empty) return std::vector<std::string>{};
    if (input.kind != Kind::List) {
        return bad_value(fmt::format("is {}, but must be a list such as [a, b]", shown(input)));
    }
    std::vector<std::string> list;
    for (const SettingInput& item : input.items) {
        TRY(text, to_text(item));
        list.push_back(std::move(text));
    }
    return list;
}

SettingInput list_input(std::vector<SettingInput> items) {
    SettingInput input;
    input.kind = Kind::List;
    input.items = std::move(items);
    return input;
}

SettingInput text_list_input(const std::vector<std::string>& texts) {
    std::vector<SettingInput> items;
    items.reserve(texts.size());
    for (const std::string& text : texts) items.push_back(scalar_input(text));
    return list_input(std::move(items));
}

}  // namespace

Error bad_value(std::string message, std::string hint) {
    return {.code = ErrorCode::BadRecipe, .message = std::move(message), .hint = std::move(hint)};
}

Result<int64_t> to_integer(const SettingInput& input, const SettingInfo& info) {
    const auto value = input.kind == Kind::Scalar && !input.quoted
                           ? whole_number<int64_t>(input.text)
                           : std::nullopt;
    if (!value) return bad_value(fmt::format("is {}, but must be a whole number", shown(input)));
    TRY_VOID(check_range(static_cast<double>(*value), info));
    return *value;
}

Result<double> to_real(const SettingInput& input, const SettingInfo& info) {
    const auto value = input.kind == Kind::Scalar && !input.quoted
                           ? whole_number<double>(input.text)
                           : std::nullopt;
    if (!value) return bad_value(fmt::format("is {}, but must be a number", shown(input)));
    TRY_VOID(check_range(*value, info));
    return *value;
}

Result<std::string> to_text(const SettingInput& input) {
    if (input.kind == Kind::Empty) return std::string();
    if (input.kind != Kind::Scalar) {
        return bad_value(fmt::format("is {}, but must be a single text", shown(input)));
    }
    return input.text;
}

Result<size_t> to_choice(const SettingInput& input, const SettingInfo& info) {
    TRY(text, to_text(input));
    const auto found = std::find(info.choices.begin(), info.choices.end(), text);
    if (found == info.choices.end()) {
        return bad_value(fmt::format("is {}, but must be one of {}", shown(input),
                                     fmt::join(info.choices, ", ")));
    }
    return static_cast<size_t>(found - info.choices.begin());
}

std::string real_text(double value) {
    // "1" would read back as a whole number, which a share is not.
    std::string text = shortest(value);
    if (text.find_first_of(".en") == std::string::npos) text += ".0";
    return text;
}

Result<void> read_field(bool& field, const SettingInput& input, const SettingInfo&) {
    if (input.kind == Kind::Scalar && !input.quoted) {
        if (input.text == "true" || input.text == "false") {
            field = input.text == "true";
            return {};
        }
    }
    return bad_value(fmt::format("is {}, but must be true or false", shown(input)));
}

Result<void> read_field(double& field, const SettingInput& input, const SettingInfo& info) {
    TRY(value, to_real(input, info));
    field = value;
    return {};
}

Result<void> read_field(std::string& field, const SettingInput& input, const SettingInfo& info) {
    if (input.kind == Kind::Empty && !info.may_be_empty) return bad_value("must not be empty");
    TRY(text, to_text(input));
    if (!info.choices.empty() && !text.empty()) TRY_VOID(to_choice(input, info));
    field = text;
    return {};
}

Result<void> read_field(Portion& field, const SettingInput& input, const SettingInfo& info) {
    if (input.kind == Kind::Empty) {
        field = {};
        return {};
    }
    if (const auto rows = whole_number<int64_t>(input.text); rows && !input.quoted) {
        TRY_VOID(check_range(static_cast<double>(*rows), info));
        field = {.rows = *rows, .fraction = {}};
        return {};
    }
    TRY(share, to_real(input, info));
    if (share > 1.0) {
        return bad_value(fmt::format("is {}, but a share must be at most 1.0", shown(input)),
                         "Write a whole number for rows, a number with a point for a share.");
    }
    field = {.rows = {}, .fraction = share};
    return {};
}

Result<void> read_field(std::vector<EvalEvery>& field, const SettingInput& input,
                        const SettingInfo&) {
    const auto refuse = [](const SettingInput& bad) {
        return bad_value(
            fmt::format("holds {}, but must be epoch, {{steps: n}}, {{minutes: n}} or "
                        "a list of these",
                        shown(bad)));
    };
    std::vector<EvalEvery> moments;
    const auto read_one = [&](const SettingInput& item) -> Result<void> {
        if (item.kind == Kind::Scalar && item.text == "epoch") {
            moments.push_back({EvalEvery::Kind::Epoch, 1});
            return {};
        }
        if (item.kind != Kind::Map || item.entries.size() != 1) return refuse(item);
        const auto& [unit, count] = item.entries.front();
        const auto number = whole_number<double>(count.text);
        const bool steps = unit == "steps";
        if ((!steps && unit != "minutes") || !number || !(*number > 0)) return refuse(item);
        if (steps && *number != std::floor(*number)) return refuse(item);
        moments.push_back({steps ? EvalEvery::Kind::Steps : EvalEvery::Kind::Minutes, *number});
        return {};
    };
    if (input.kind == Kind::List) {
        for (const SettingInput& item : input.items) TRY_VOID(read_one(item));
    } else if (input.kind != Kind::Empty) {
        TRY_VOID(read_one(input));
    }
    field = std::move(moments);
    return {};
}

Result<void> read_field(std::vector<std::string>& field, const SettingInput& input,
                        const SettingInfo&) {
    TRY(list, to_text_list(input));
    field = std::move(list);
    return {};
}

Result<void> read_field(std::vector<int64_t>& field, const SettingInput& input,
                        const SettingInfo& info) {
    if (input.kind != Kind::Empty && input.kind != Kind::List) {
        return bad_value(fmt::format("is {}, but must be a list such as [17, 203]", shown(input)));
    }
    std::vector<int64_t> numbers;
    for (const SettingInput& item : input.items) {
        TRY(number, to_integer(item, info));
        numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    field = std::move(numbers);
    return {};
}

Result<void> read_field(std::vector<ExportFormat>& field, const SettingInput& input,
                        const SettingInfo& info) {
    if (input.kind != Kind::List) {
        return bad_value(fmt::format("is {}, but must be a list such as [peft]", shown(input)));
    }
    std::vector<ExportFormat> formats;
    for (const SettingInput& item : input.items) {
        TRY(index, to_choice(item, info));
        formats.push_back(static_cast<ExportFormat>(index));
    }
    field = std::move(formats);
    return {};
}

Result<void> read_field(std::variant<std::vector<std::string>, std::string>& field,
                        const SettingInput& input, const SettingInfo&) {
    if (input.kind == Kind::Scalar && !input.text.empty()) {
        field = input.text;
        return {};
    }
    TRY(list, to_text_list(input));
    if (list.empty()) {
        return bad_value("names no module",
                         "List suffixes such as [q_proj, v_proj], or write all-linear.");
    }
    field = std::move(list);
    return {};
}

Result<void> read_field(std::vector<std::pair<std::string, std::string>>& field,
                        const SettingInput& input, const SettingInfo&) {
    std::vector<std::pair<std::string, std::string>> pairs;
    if (input.kind != Kind::Empty && input.kind != Kind::Map) {
        return bad_value(fmt::format("is {}, but must be a map such as {{instruction: question}}",
                                     shown(input)));
    }
    for (const auto& [name, column] : input.entries) {
        TRY(text, to_text(column));
        pairs.emplace_back(name, std::move(text));
    }
    field = std::move(pairs);
    return {};
}

SettingInput scalar_input(std::string text) {
    SettingInput input;
    input.kind = Kind::Scalar;
    input.text = std::move(text);
    return input;
}

SettingInput write_field(bool field, const SettingInfo&) {
    return scalar_input(field ? "true" : "false");
}

SettingInput write_field(double field, const SettingInfo&) {
    return scalar_input(real_text(field));
}

SettingInput write_field(const std::string& field, const SettingInfo&) {
    return field.empty() ? SettingInput{} : scalar_input(field);
}

SettingInput write_field(const Portion& field, const SettingInfo&) {
    if (field.rows) return scalar_input(std::to_string(*field.rows));
    if (field.fraction) return scalar_input(real_text(*field.fraction));
    return {};
}

SettingInput write_field(const std::vector<EvalEvery>& field, const SettingInfo&) {
    std::vector<SettingInput> items;
    for (const EvalEvery& moment : field) {
        if (moment.kind == EvalEvery::Kind::Epoch) {
            items.push_back(scalar_input("epoch"));
            continue;
        }
        SettingInput item;
        item.kind = Kind::Map;
        item.entries.push_back({moment.kind == EvalEvery::Kind::Steps ? "steps" : "minutes",
                                scalar_input(shortest(moment.count))});
        items.push_back(std::move(item));
    }
    return list_input(std::move(items));
}

SettingInput write_field(const std::vector<std::string>& field, const SettingInfo&) {
    return text_list_input(field);
}

SettingInput write_field(const std::vector<int64_t>& field, const SettingInfo&) {
    if (field.empty()) return {};
    std::vector<SettingInput> items;
    items.reserve(field.size());
    for (const int64_t number : field) items.push_back(scalar_input(std::to_string(number)));
    return list_input(std::move(items));
}

SettingInput write_field(const std::vector<ExportFormat>& field, const SettingInfo& info) {
    std::vector<SettingInput> items;
    items.reserve(field.size());
    for (const ExportFormat format : field) {
        items.push_back(scalar_input(info.choices.at(static_cast<size_t>(format))));
    }
    return list_input(std::move(items));
}

SettingInput write_field(const std::variant<std::vector<std::string>, std::string>& field,
                         const SettingInfo&) {
    if (const auto* text = std::get_if<std::string>(&field)) return scalar_input(*text);
    return text_list_input(std::get<std::vector<std::string>>(field));
}

SettingInput write_field(const std::vector<std::pair<std::string, std::string>>& field,
                         const SettingInfo&) {
    if (field.empty()) return {};
    SettingInput input;
    input.kind = Kind::Map;
    for (const auto& [name, column] : field) input.entries.push_back({name, scalar_input(column)});
    return input;
}

}  // namespace dayrun::core
