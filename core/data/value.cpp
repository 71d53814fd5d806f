// Access to a row's values, and their text. Neighbours: readers fill them. Any thread.
#include "core/data/value.h"

#include <fmt/format.h>

#include <cmath>

#include "core/base/units.h"

namespace dayrun::core {
namespace {

const std::string kNoString;
const Value::Array kNoArray;
const Value::Object kNoObject;

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<int>(c));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

void append_json(std::string& out, const Value& value) {
    if (value.is_string()) {
        append_quoted(out, value.string());
    } else if (value.is_array()) {
        out += '[';
        for (size_t i = 0; i < value.array().size(); ++i) {
            if (i > 0) out += ", ";
            append_json(out, value.array()[i]);
        }
        out += ']';
    } else if (value.is_object()) {
        out += '{';
        bool is_first = true;
        for (const Member& member : value.object()) {
            if (!is_first) out += ", ";
            is_first = false;
            append_quoted(out, member.name);
            out += ": ";
            append_json(out, member.value);
        }
        out += '}';
    } else if (value.is_null()) {
        out += "null";
    } else {
        out += value.text();
    }
}

}  // namespace

int64_t Value::integer() const {
    if (const auto* integer = std::get_if<int64_t>(&m_value)) return *integer;
    if (const auto* number = std::get_if<double>(&m_value)) {
        const bool fits = std::abs(*number) < 9.0e18;
        return fits ? static_cast<int64_t>(*number) : 0;
    }
    return 0;
}

double Value::number() const {
    if (const auto* number = std::get_if<double>(&m_value)) return *number;
    return static_cast<double>(integer());
}

const std::string& Value::string() const {
    const auto* text = std::get_if<std::string>(&m_value);
    return text == nullptr ? kNoString : *text;
}

std::string& Value::string() {
    if (!is_string()) m_value.emplace<std::string>();
    return std::get<std::string>(m_value);
}

const Value::Array& Value::array() const {
    const auto* array = std::get_if<Array>(&m_value);
    return array == nullptr ? kNoArray : *array;
}

Value::Array& Value::array() {
    if (!is_array()) m_value = Array{};
    return std::get<Array>(m_value);
}

const Value::Object& Value::object() const {
    const auto* object = std::get_if<Object>(&m_value);
    return object == nullptr ? kNoObject : *object;
}

Value::Object& Value::object() {
    if (!is_object()) m_value = Object{};
    return std::get<Object>(m_value);
}

const Value* Value::find(std::string_view name) const {
    for (const Member& member : object()) {
        if (member.name == name) return &member.value;
    }
    return nullptr;
}

Value* Value::find(std::string_view name) {
    return const_cast<Value*>(static_cast<const Value*>(this)->find(name));
}

std::string Value::text() const {
    if (is_string()) return string();
    if (is_null()) return {};
    if (is_bool()) return boolean() ? "true" : "false";
    if (is_integer()) return std::to_string(integer());
    if (is_number()) {
        const double value = number();
        const bool is_whole = std::floor(value) == value && std::abs(value) < 1.0e15;
        return is_whole ? std::to_string(static_cast<int64_t>(value)) : shortest(value);
    }
    return json();
}

std::string Value::json() const {
    std::string out;
    append_json(out, *this);
    return out;
}

std::string Value::type_name() const {
    if (is_string()) return "string";
    if (is_null()) return "null";
    if (is_bool()) return "boolean";
    if (is_integer()) return "integer";
    if (is_number()) return "number";
    if (is_object()) return "object";
    return array().empty() ? "list" : "list of " + array().front().type_name();
}

std::string with_article(const std::string& type_name) {
    if (type_name == "null") return type_name;
    return (type_name == "integer" || type_name == "object" ? "an " : "a ") + type_name;
}

std::string member_names(const Value& object) {
    std::string names;
    for (const Member& member : object.object()) {
        if (!names.empty()) names += ", ";
        names += member.name;
    }
    return names;
}

}  // namespace dayrun::core
