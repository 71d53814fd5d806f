// Body of value.h: truth, equality, order and Python's str() and repr().
#include "core/tokens/jinja/value.h"

#include <fmt/format.h>

#include <cmath>

#include "core/tokens/jinja/evaluator.h"

namespace dayrun::core::jinja {
namespace {

template <typename T, typename V>
const T* pointee(const V& value) {
    const auto* const found = std::get_if<std::shared_ptr<T>>(&value);
    return found == nullptr ? nullptr : found->get();
}

/// A text in quotes, as Python shows it inside a list.
void append_quoted(const Text& text, Text& out) {
    const std::string& bytes = text.bytes();
    const bool has_single = bytes.find('\'') != std::string::npos;
    const bool is_double = has_single && bytes.find('"') == std::string::npos;
    const std::string_view quote = is_double ? "\"" : "'";
    out.append(quote);
    size_t kept = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
        const auto c = static_cast<unsigned char>(bytes[i]);
        std::string escaped;
        if (c == '\n') escaped = "\\n";
        if (c == '\r') escaped = "\\r";
        if (c == '\t') escaped = "\\t";
        if (c == '\\' || bytes[i] == quote.front()) escaped = std::string("\\") + bytes[i];
        if (escaped.empty() && (c < 0x20 || c == 0x7F)) escaped = fmt::format("\\x{:02x}", c);
        if (escaped.empty()) continue;
        out.append_part(text, kept, i);
        out.append(escaped);
        kept = i + 1;
    }
    out.append_part(text, kept, bytes.size());
    out.append(quote);
}

Result<void> append_repr(const Value& value, Text& out, Budget& budget);

Result<void> append_list(const List& list, Text& out, Budget& budget) {
    out.append(list.is_tuple ? "(" : "[");
    for (size_t i = 0; i < list.items.size(); ++i) {
        if (i > 0) out.append(", ");
        TRY_VOID(append_repr(list.items[i], out, budget));
    }
    if (list.is_tuple && list.items.size() == 1) out.append(",");
    out.append(list.is_tuple ? ")" : "]");
    return {};
}

Result<void> append_dict(const Dict& dict, Text& out, Budget& budget) {
    out.append("{");
    for (size_t i = 0; i < dict.items.size(); ++i) {
        if (i > 0) out.append(", ");
        TRY_VOID(append_repr(dict.items[i].first, out, budget));
        out.append(": ");
        TRY_VOID(append_repr(dict.items[i].second, out, budget));
    }
    out.append("}");
    return {};
}

Result<void> append_repr(const Value& value, Text& out, Budget& budget) {
    TRY_VOID(budget.spend_bytes(value.text() != nullptr ? value.text()->size() : 0));
    if (const Text* const text = value.text()) {
        append_quoted(*text, out);
        return {};
    }
    if (const List* const list = value.list()) return append_list(*list, out, budget);
    if (const Dict* const dict = value.dict()) return append_dict(*dict, out, budget);
    if (value.is_undefined()) {
        out.append("Undefined");
        return {};
    }
    TRY(text, to_text(value, budget));
    out.append(text);
    return {};
}

Result<bool> equal_lists(const List& a, const List& b, Budget& budget) {
    if (a.is_tuple != b.is_tuple || a.items.size() != b.items.size()) return false;
    for (size_t i = 0; i < a.items.size(); ++i) {
        TRY(same, equals(a.items[i], b.items[i], budget));
        if (!same) return false;
    }
    return true;
}

Result<bool> equal_dicts(const Dict& a, const Dict& b, Budget& budget) {
    if (a.items.size() != b.items.size()) return false;
    for (const auto& [key, value] : a.items) {
        const Value* const other = b.find(key);
        if (other == nullptr) return false;
        TRY(same, equals(value, *other, budget));
        if (!same) return false;
    }
    return true;
}

}  // namespace

int64_t Value::integer() const {
    if (const auto* const value = std::get_if<int64_t>(&m_value)) return *value;
    const auto* const flag = std::get_if<bool>(&m_value);
    return flag != nullptr && *flag ? 1 : 0;
}

double Value::number() const {
    if (const auto* const value = std::get_if<double>(&m_value)) return *value;
    return static_cast<double>(integer());
}

const Text* Value::text() const {
    return pointee<const Text>(m_value);
}
List* Value::list() const {
    const auto* const found = std::get_if<std::shared_ptr<List>>(&m_value);
    return found == nullptr ? nullptr : found->get();
}
Dict* Value::dict() const {
    const auto* const found = std::get_if<std::shared_ptr<Dict>>(&m_value);
    return found == nullptr ? nullptr : found->get();
}
const Macro* Value::macro() const {
    return pointee<const Macro>(m_value);
}
const LoopState* Value::loop() const {
    return pointee<const LoopState>(m_value);
}

bool Value::is_true() const {
    if (is_undefined() || is_none()) return false;
    if (is_number()) return number() != 0;
    if (const Text* const found = text()) return found->size() > 0;
    if (const List* const found = list()) return !found->items.empty();
    if (const Dict* const found = dict()) return found->is_namespace || !found->items.empty();
    return true;
}

std::string Value::type_name() const {
    if (is_undefined()) return "undefined";
    if (is_none()) return "None";
    if (is_bool()) return "bool";
    if (is_integer()) return "int";
    if (is_real()) return "float";
    if (is_text()) return "str";
    if (const List* const found = list()) return found->is_tuple ? "tuple" : "list";
    if (const Dict* const found = dict()) return found->is_namespace ? "namespace" : "dict";
    return macro() != nullptr ? "macro" : "loop";
}

Value make_list(std::vector<Value> items, bool is_tuple) {
    auto list = std::make_shared<List>();
    list->items = std::move(items);
    list->is_tuple = is_tuple;
    return list;
}

const Value* Dict::find(std::string_view key) const {
    for (const auto& [name, value] : items) {
        const Text* const text = name.text();
        if (text != nullptr && text->bytes() == key) return &value;
    }
    return nullptr;
}

const Value* Dict::find(const Value& key) const {
    if (const Text* const text = key.text()) return find(std::string_view(text->bytes()));
    for (const auto& [name, value] : items) {
        const bool is_same = name.is_number() && key.is_number() && name.number() == key.number();
        if (is_same || (name.is_none() && key.is_none())) return &value;
    }
    return nullptr;
}

void Dict::set(const Value& key, Value value) {
    // find() gives a place inside `items`.
    if (const Value* const found = find(key)) {
        *const_cast<Value*>(found) = std::move(value);
    } else {
        items.emplace_back(key, std::move(value));
    }
}

static Error too_costly() {
    return {.code = ErrorCode::BadData,
            .message = "the template takes more steps than any dialogue needs"};
}

Result<void> Budget::spend(size_t steps) {
    if (steps > m_left) return too_costly();
    m_left -= steps;
    return {};
}

Result<void> Budget::nest() {
    if (m_nestings_left == 0) return too_costly();
    --m_nestings_left;
    return {};
}

Result<bool> equals(const Value& a, const Value& b, Budget& budget) {
    TRY_VOID(budget.spend());
    if (a.is_number() && b.is_number()) return a.number() == b.number();
    if (a.text() != nullptr && b.text() != nullptr) return a.text()->bytes() == b.text()->bytes();
    if (a.list() != nullptr && b.list() != nullptr) {
        return equal_lists(*a.list(), *b.list(), budget);
    }
    if (a.dict() != nullptr && b.dict() != nullptr) {
        const bool is_one = a.dict() == b.dict();
        if (a.dict()->is_namespace || b.dict()->is_namespace) return is_one;
        return equal_dicts(*a.dict(), *b.dict(), budget);
    }
    if (a.macro() != nullptr || a.loop() != nullptr) {
        return a.macro() == b.macro() && a.loop() == b.loop();
    }
    return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

Result<int> compare(const Value& a, const Value& b) {
    const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
    if (a.is_number() && b.is_number()) return sign(a.number(), b.number());
    if (a.text() != nullptr && b.text() != nullptr) {
        // Bytes of UTF-8 order like their code points.
        return sign(a.text()->bytes(), b.text()->bytes());
    }
    return Error{
        .code = ErrorCode::BadData,
        .message = fmt::format("a {} and a {} have no order", a.type_name(), b.type_name())};
}

Result<bool> holds(const Value& value, const void* container, Budget& budget) {
    TRY_VOID(budget.spend());
    if (value.list() == container || value.dict() == container) return container != nullptr;
    if (const List* const list = value.list()) {
        for (const Value& item : list->items) {
            TRY(found, holds(item, container, budget));
            if (found) return true;
        }
    }
    if (const Dict* const dict = value.dict()) {
        for (const auto& [key, item] : dict->items) {
            TRY(found, holds(item, container, budget));
            if (found) return true;
        }
    }
    return false;
}

Result<Text> to_text(const Value& value, Budget& budget) {
    Text out;
    if (const Text* const text = value.text()) {
        TRY_VOID(budget.spend_bytes(text->size()));
        return *text;
    }
    if (value.is_none()) return Text("None");
    if (value.is_bool()) return Text(value.integer() != 0 ? "True" : "False");
    if (value.is_integer()) return Text(std::to_string(value.integer()));
    if (value.is_real()) return Text(real_text(value.number()));
    if (value.list() != nullptr || value.dict() != nullptr) {
        TRY_VOID(append_repr(value, out, budget));
    } else if (!value.is_undefined()) {
        out.append("<" + value.type_name() + ">");
    }
    return out;
}

std::string real_text(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    // Python writes an exponent below 1e-4 and from 1e16.
    const double size = std::abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e16)) {
        std::string text = fmt::format("{:e}", value);
        for (int digits = 0; digits < 18; ++digits) {
            text = fmt::format("{:.{}e}", value, digits);
            if (std::stod(text) == value) break;
        }
        return text;
    }
    std::string text = fmt::format("{}", value);
    if (text.find('e') != std::string::npos) text = fmt::format("{:f}", value);
    if (text.find('.') == std::string::npos) text += ".0";
    return text;
}

}  // namespace dayrun::core::jinja
