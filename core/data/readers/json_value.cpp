// JSON text into Values with simdjson's document parser, which checks syntax and UTF-8 as a whole;
// the common row is read by flat_row before it is asked. Neighbours: row_reader cuts files into
// texts. One parser per thread.
#include "core/data/readers/json_value.h"

#include <simdjson.h>

#include <cstring>
#include <string>

#include "core/data/readers/flat_row.h"
#include "core/data/readers/record_splitter.h"

namespace dayrun::core {
namespace {

namespace dom = simdjson::dom;

void fill(Value& value, const dom::element& element);

void fill_array(Value::Array& values, const dom::array& array) {
    values.resize(array.size());
    size_t count = 0;
    for (const dom::element item : array) {
        if (count == values.size()) values.emplace_back();  // size() stops counting at 16 million
        fill(values[count++], item);
    }
}

void fill_object(Value::Object& members, const dom::object& object) {
    members.resize(object.size());
    size_t count = 0;
    for (const auto field : object) {
        if (count == members.size()) members.emplace_back();
        Member& member = members[count++];
        member.name.assign(field.key);
        fill(member.value, field.value);
    }
}

void fill(Value& value, const dom::element& element) {
    switch (element.type()) {
        case dom::element_type::STRING:
            value.string().assign(std::string_view(element));
            break;
        case dom::element_type::INT64:
            value = Value(int64_t(element));
            break;
        case dom::element_type::UINT64:
            value = Value(static_cast<double>(uint64_t(element)));
            break;
        case dom::element_type::DOUBLE:
            value = Value(double(element));
            break;
        case dom::element_type::BOOL:
            value = Value(bool(element));
            break;
        case dom::element_type::NULL_VALUE:
            value = Value();
            break;
        case dom::element_type::ARRAY:
            fill_array(value.array(), element);
            break;
        case dom::element_type::OBJECT:
            fill_object(value.object(), element);
            break;
    }
}

/// Python writes NaN, Infinity and -Infinity into what it calls JSON, and published sets hold them:
/// outside of strings they read as null.
std::string without_nan(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 16);
    bool in_quotes = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_quotes && c == '\\') {
            out += c;
            if (++i < text.size()) out += text[i];
            continue;
        }
        if (c == '"') in_quotes = !in_quotes;
        size_t word = 0;
        for (const std::string_view name : {"-Infinity", "Infinity", "NaN"}) {
            if (!in_quotes && text.substr(i, name.size()) == name) word = name.size();
            if (word > 0) break;
        }
        if (word == 0) {
            out += c;
            continue;
        }
        out += "null";
        i += word - 1;
    }
    return out;
}

/// simdjson's error as the end of a sentence about the row.
std::string plain_reason(simdjson::error_code code) {
    switch (code) {
        case simdjson::UTF8_ERROR:
            return "it is not valid UTF-8";
        case simdjson::UNCLOSED_STRING:
            return "a string is not closed";
        case simdjson::UNESCAPED_CHARS:
            return "a string holds a bare line break or control character";
        case simdjson::STRING_ERROR:
            return "a string holds an unknown escape";
        case simdjson::EMPTY:
            return "it is empty";
        case simdjson::DEPTH_ERROR:
            return "it is nested too deeply";
        case simdjson::NUMBER_ERROR:
            return "a number is malformed";
        case simdjson::CAPACITY:
        case simdjson::MEMALLOC:
            return "it is too long to read";
        case simdjson::T_ATOM_ERROR:
        case simdjson::F_ATOM_ERROR:
        case simdjson::N_ATOM_ERROR:
            return "a word is neither true, false nor null";
        default:
            return "it is not JSON";
    }
}

}  // namespace

struct JsonParser::State {
    dom::parser parser;
    std::string padded;  // the text and simdjson's padding behind it
};

JsonParser::JsonParser() : m_state(std::make_unique<State>()) {}
JsonParser::~JsonParser() = default;
JsonParser::JsonParser(JsonParser&&) noexcept = default;

std::string_view JsonParser::padded_copy(std::string_view text) {
    std::string& padded = m_state->padded;
    padded.assign(text);
    padded.append(simdjson::SIMDJSON_PADDING, '\0');
    return std::string_view(padded).substr(0, text.size());
}

Result<Value> JsonParser::parse(std::string_view text) {
    Value value;
    TRY_VOID(parse_padded(padded_copy(text), Utf8::Unchecked, value));
    return value;
}

Result<void> JsonParser::parse_padded(std::string_view text, Utf8 utf8, Value& value) {
    if (read_flat_row(text, utf8, value)) return {};
    auto parsed = parse_strict(text, value);
    const bool may_be_python = !parsed.ok() && (text.find("NaN") != std::string_view::npos ||
                                                text.find("Infinity") != std::string_view::npos);
    if (!may_be_python) return parsed;
    const std::string repaired = without_nan(text);
    auto again = parse_strict(padded_copy(repaired), value);
    return again.ok() ? std::move(again) : std::move(parsed);
}

Result<void> JsonParser::parse_strict(std::string_view text, Value& value) {
    static_assert(kTextPadding >= simdjson::SIMDJSON_PADDING);
    try {
        dom::element document;
        const auto code =
            m_state->parser.parse(text.data(), text.size(), /*realloc_if_needed=*/false)
                .get(document);
        if (code == simdjson::SUCCESS) {
            fill(value, document);
            return {};
        }
        return Error{.code = ErrorCode::BadData,
                     .message = plain_reason(code),
                     .detail = simdjson::error_message(code)};
    } catch (const simdjson::simdjson_error& error) {
        return Error{
            .code = ErrorCode::BadData, .message = "it is not JSON", .detail = error.what()};
    } catch (const std::bad_alloc&) {
        return Error{.code = ErrorCode::BadData, .message = "it is too long to read"};
    }
}

}  // namespace dayrun::core
