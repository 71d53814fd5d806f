// The expressions of a template. Neighbours: evaluator.h, functions.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/tokens/jinja/evaluator.h"

namespace dayrun::core::jinja {
namespace {

using Kind = Expression::Kind;

Error undefined_error(const Value& value) {
    return render_error(fmt::format("'{}' is undefined", value.undefined_name()));
}

Error no_operator(const std::string& name, const Value& a, const Value& b) {
    if (a.is_undefined()) return undefined_error(a);
    if (b.is_undefined()) return undefined_error(b);
    return render_error(
        fmt::format("'{}' does not work on {} and {}", name, a.type_name(), b.type_name()));
}

Value loop_attribute(const LoopState& loop, std::string_view name) {
    const auto at = static_cast<int64_t>(loop.index);
    const auto size = static_cast<int64_t>(loop.items.size());
    if (name == "index") return at + 1;
    if (name == "index0") return at;
    if (name == "revindex") return size - at;
    if (name == "revindex0") return size - at - 1;
    if (name == "first") return at == 0;
    if (name == "last") return at + 1 == size;
    if (name == "length") return size;
    if (name == "depth") return loop.depth;
    if (name == "depth0") return loop.depth - 1;
    if (name == "previtem" && at > 0) return loop.items[loop.index - 1];
    if (name == "nextitem" && at + 1 < size) return loop.items[loop.index + 1];
    return Undefined{"loop." + std::string(name)};
}

/// Python's floor division and remainder.
Result<Value> divided(const std::string& name, const Value& a, const Value& b) {
    if (b.number() == 0) return render_error("division by zero");
    const bool is_whole = !a.is_real() && !b.is_real();
    if (name == "/") return Value(a.number() / b.number());
    if (!is_whole) {
        const double floor = std::floor(a.number() / b.number());
        return name == "//" ? Value(floor) : Value(a.number() - floor * b.number());
    }
    if (b.integer() == -1) {
        // The lowest number divided by -1 has no place in 64 bits.
        if (name == "%") return Value(int64_t{0});
        int64_t negated = 0;
        if (__builtin_sub_overflow(int64_t{0}, a.integer(), &negated)) {
            return render_error("a number is too large");
        }
        return Value(negated);
    }
    int64_t quotient = a.integer() / b.integer();
    int64_t rest = a.integer() % b.integer();
    if (rest != 0 && (rest < 0) != (b.integer() < 0)) {
        --quotient;
        rest += b.integer();
    }
    return Value(name == "//" ? quotient : rest);
}

Result<Value> calculated(const std::string& name, const Value& a, const Value& b) {
    if (name == "/" || name == "//" || name == "%") return divided(name, a, b);
    if (a.is_real() || b.is_real()) {
        if (name == "+") return Value(a.number() + b.number());
        return Value(name == "-" ? a.number() - b.number() : a.number() * b.number());
    }
    int64_t result = 0;
    const bool is_too_large =
        name == "+"   ? __builtin_add_overflow(a.integer(), b.integer(), &result)
        : name == "-" ? __builtin_sub_overflow(a.integer(), b.integer(), &result)
                      : __builtin_mul_overflow(a.integer(), b.integer(), &result);
    if (is_too_large) return render_error("a number is too large");
    return Value(result);
}

/// Places of a slice as Python counts them.
struct SlicePlaces {
    int64_t begin = 0, end = 0, step = 1;
};

Result<SlicePlaces> slice_places(const Value (&bounds)[3], int64_t size) {
    for (const Value& bound : bounds) {
        const bool is_open = bound.is_undefined() || bound.is_none();
        if (!is_open && !bound.is_integer()) return render_error("a slice takes whole numbers");
    }
    SlicePlaces places;
    if (bounds[2].is_integer()) places.step = bounds[2].integer();
    if (places.step == 0) return render_error("a slice cannot step by 0");
    const bool is_backward = places.step < 0;
    const auto place = [&](const Value& bound, int64_t open) {
        if (!bound.is_integer()) return open;
        const int64_t low = is_backward ? -1 : 0;
        const int64_t high = is_backward ? size - 1 : size;
        int64_t at = std::clamp(bound.integer(), -size - 1, size);
        if (at < 0) at += size;
        return std::clamp(at, low, high);
    };
    places.begin = place(bounds[0], is_backward ? size - 1 : 0);
    places.end = place(bounds[1], is_backward ? -1 : size);
    return places;
}

}  // namespace

Value attribute_of(const Value& subject, std::string_view name) {
    if (const LoopState* const loop = subject.loop()) return loop_attribute(*loop, name);
    if (const Dict* const dict = subject.dict()) {
        if (const Value* const found = dict->find(name)) return *found;
    }
    return Undefined{std::string(name)};
}

Result<std::vector<Value>> items_of(const Value& subject, Budget& budget) {
    std::vector<Value> items;
    if (const List* const list = subject.list()) items = list->items;
    const Dict* const dict = subject.dict();
    if (dict != nullptr && !dict->is_namespace) {
        for (const auto& [key, value] : dict->items) items.push_back(key);
    } else if (const Text* const text = subject.text()) {
        TRY_VOID(budget.spend(text->size()));
        for (size_t at = 0; at < text->size();) {
            const size_t size = character_size(text->bytes(), at);
            items.emplace_back(text->part(at, at + size));
            at += size;
        }
    } else if (subject.list() == nullptr && !subject.is_undefined()) {
        return render_error(fmt::format("a {} has no items", subject.type_name()));
    }
    TRY_VOID(budget.spend(items.size()));
    return items;
}

Result<Value> Evaluator::value_of(const Expression& expression) {
    TRY_VOID(m_budget.spend());
    switch (expression.kind) {
        case Kind::Literal:
            return expression.literal;
        case Kind::Name:
            return value_of_name(expression.name);
        case Kind::List:
        case Kind::Tuple:
        case Kind::Dict:
            return value_of_parts(expression);
        case Kind::Attribute: {
            TRY(subject, value_of(*expression.parts[0]));
            if (subject.is_undefined()) return undefined_error(subject);
            return attribute_of(subject, expression.name);
        }
        case Kind::Item: {
            TRY(subject, value_of(*expression.parts[0]));
            TRY(key, value_of(*expression.parts[1]));
            return value_of_item(subject, key);
        }
        case Kind::Slice:
            return value_of_slice(expression);
        case Kind::Call:
            return value_of_call(expression);
        case Kind::Filter:
        case Kind::Test: {
            TRY(subject, value_of(*expression.parts[0]));
            TRY(arguments, arguments_of(expression));
            const auto call = expression.kind == Kind::Filter ? call_filter : call_test;
            return call(expression.name, subject, arguments, m_budget);
        }
        case Kind::Unary:
            return value_of_unary(expression);
        case Kind::Binary:
            return value_of_binary(expression);
        case Kind::Compare:
            return value_of_compare(expression);
        case Kind::If: {
            TRY(condition, value_of(*expression.parts[1]));
            if (condition.is_true()) return value_of(*expression.parts[0]);
            if (expression.parts[2] == nullptr) return Value(Undefined{"else"});
            return value_of(*expression.parts[2]);
        }
    }
    return Value();
}

Result<Value> Evaluator::value_of_parts(const Expression& expression) {
    std::vector<Value> values;
    bool is_nested = false;
    for (const ExpressionPointer& part : expression.parts) {
        TRY(value, value_of(*part));
        is_nested = is_nested || value.list() != nullptr || value.dict() != nullptr;
        values.push_back(std::move(value));
    }
    if (is_nested) TRY_VOID(m_budget.nest());
    if (expression.kind != Kind::Dict) {
        return make_list(std::move(values), expression.kind == Kind::Tuple);
    }
    auto dict = std::make_shared<Dict>();
    for (size_t i = 0; i + 1 < values.size(); i += 2) dict->set(values[i], values[i + 1]);
    return Value(std::move(dict));
}

Result<Value> Evaluator::value_of_name(const std::string& name) const {
    if (const Value* const found = m_scope->find(name)) return *found;
    return Value(Undefined{name});
}

Result<Value> Evaluator::value_of_item(const Value& subject, const Value& key) {
    if (subject.is_undefined()) return undefined_error(subject);
    if (const Text* const name = key.text()) return attribute_of(subject, name->bytes());
    if (const Dict* const dict = subject.dict()) {
        const Value* const found = dict->find(key);
        return found == nullptr ? Value(Undefined{"item"}) : *found;
    }
    if (!key.is_integer() || (subject.list() == nullptr && subject.text() == nullptr)) {
        return Value(Undefined{"item"});
    }
    TRY(items, items_of(subject, m_budget));
    const auto size = static_cast<int64_t>(items.size());
    const int64_t at = key.integer() < 0 ? key.integer() + size : key.integer();
    if (at < 0 || at >= size) return Value(Undefined{fmt::format("item {}", key.integer())});
    return items[static_cast<size_t>(at)];
}

Result<Value> Evaluator::value_of_slice(const Expression& expression) {
    TRY(subject, value_of(*expression.parts[0]));
    if (subject.is_undefined()) return undefined_error(subject);
    if (subject.list() == nullptr && subject.text() == nullptr) {
        return render_error(fmt::format("a {} cannot be sliced", subject.type_name()));
    }
    Value bounds[3];
    for (size_t i = 0; i < 3; ++i) {
        if (expression.parts[i + 1] == nullptr) continue;
        TRY(bound, value_of(*expression.parts[i + 1]));
        bounds[i] = std::move(bound);
    }
    TRY(items, items_of(subject, m_budget));
    TRY(places, slice_places(bounds, static_cast<int64_t>(items.size())));
    std::vector<Value> chosen;
    const auto [begin, end, step] = places;
    for (int64_t at = begin; step > 0 ? at < end : at > end;) {
        chosen.push_back(items[static_cast<size_t>(at)]);
        if (__builtin_add_overflow(at, step, &at)) break;
    }
    if (subject.list() != nullptr) {
        TRY_VOID(m_budget.nest());
        return make_list(std::move(chosen), subject.list()->is_tuple);
    }
    Text text;
    for (const Value& character : chosen) text.append(*character.text());
    return Value(std::move(text));
}

Result<Arguments> Evaluator::arguments_of(const Expression& expression) {
    Arguments arguments;
    for (const Argument& argument : expression.arguments) {
        TRY(value, value_of(*argument.value));
        if (argument.name.empty()) {
            arguments.positional.push_back(std::move(value));
        } else {
            arguments.named.emplace_back(argument.name, std::move(value));
        }
    }
    return arguments;
}

Result<Value> Evaluator::value_of_call(const Expression& expression) {
    const Expression& callee = *expression.parts[0];
    if (callee.kind == Kind::Attribute) {
        TRY(subject, value_of(*callee.parts[0]));
        TRY(arguments, arguments_of(expression));
        return call_method(callee.name, subject, arguments, m_budget);
    }
    TRY(function, value_of(callee));
    TRY(arguments, arguments_of(expression));
    if (function.macro() != nullptr) return call_macro(*function.macro(), arguments);
    const bool is_known = callee.kind == Kind::Name && is_function_name(callee.name);
    if (function.is_undefined() && is_known) {
        return call_function(callee.name, arguments, m_budget);
    }
    if (function.is_undefined()) return undefined_error(function);
    return render_error(fmt::format("a {} cannot be called", function.type_name()));
}

Result<Value> Evaluator::value_of_unary(const Expression& expression) {
    TRY(value, value_of(*expression.parts[0]));
    if (expression.name == "not") return Value(!value.is_true());
    if (!value.is_number()) {
        if (value.is_undefined()) return undefined_error(value);
        return render_error(fmt::format("a {} has no sign", value.type_name()));
    }
    if (expression.name == "+") return value;
    if (value.is_real()) return Value(-value.number());
    return calculated("-", Value(int64_t{0}), value);
}

Result<Value> Evaluator::value_of_binary(const Expression& expression) {
    const std::string& name = expression.name;
    TRY(left, value_of(*expression.parts[0]));
    if (name == "and" && !left.is_true()) return left;
    if (name == "or" && left.is_true()) return left;
    TRY(right, value_of(*expression.parts[1]));
    if (name == "and" || name == "or") return right;
    if (name == "~" || (name == "+" && left.text() != nullptr && right.text() != nullptr)) {
        TRY(text, to_text(left, m_budget));
        TRY(behind, to_text(right, m_budget));
        text.append(behind);
        return Value(std::move(text));
    }
    if (left.is_number() && right.is_number()) return calculated(name, left, right);
    const bool are_lists = left.list() != nullptr && right.list() != nullptr;
    if (name == "+" && are_lists && left.list()->is_tuple == right.list()->is_tuple) {
        TRY_VOID(m_budget.nest());
        TRY(items, items_of(left, m_budget));
        TRY(more, items_of(right, m_budget));
        items.insert(items.end(), more.begin(), more.end());
        return make_list(std::move(items), left.list()->is_tuple);
    }
    if (name == "*" && left.text() != nullptr && right.is_integer()) {
        Text text;
        for (int64_t i = 0; i < right.integer(); ++i) {
            TRY_VOID(m_budget.spend_bytes(left.text()->size()));
            text.append(*left.text());
        }
        return Value(std::move(text));
    }
    return no_operator(name, left, right);
}

Result<Value> Evaluator::value_of_compare(const Expression& expression) {
    TRY(left, value_of(*expression.parts[0]));
    for (size_t i = 0; i < expression.names.size(); ++i) {
        const std::string& name = expression.names[i];
        TRY(right, value_of(*expression.parts[i + 1]));
        bool is_met = false;
        if (name == "==" || name == "!=") {
            TRY(same, equals(left, right, m_budget));
            is_met = same == (name == "==");
        } else if (name == "in" || name == "not in") {
            TRY(found, contains(right, left, m_budget));
            is_met = found == (name == "in");
        } else {
            if (left.is_undefined()) return undefined_error(left);
            if (right.is_undefined()) return undefined_error(right);
            TRY(order, compare(left, right));
            is_met = name == "<"    ? order < 0
                     : name == "<=" ? order <= 0
                     : name == ">"  ? order > 0
                                    : order >= 0;
        }
        if (!is_met) return Value(false);
        left = std::move(right);
    }
    return Value(true);
}

}  // namespace dayrun::core::jinja
