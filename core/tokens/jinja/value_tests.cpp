// The tests behind `is`. Neighbour: functions.h.
#include <algorithm>
#include <array>

#include "core/tokens/jinja/functions.h"

namespace dayrun::core::jinja {
namespace {

using Test = bool (*)(const Value&);

struct NamedTest {
    std::string_view name;
    Test holds;
};
constexpr std::array<NamedTest, 14> kTests{{
    {"defined", [](const Value& v) { return !v.is_undefined(); }},
    {"undefined", [](const Value& v) { return v.is_undefined(); }},
    {"none", [](const Value& v) { return v.is_none(); }},
    {"string", [](const Value& v) { return v.is_text(); }},
    {"mapping", [](const Value& v) { return v.dict() != nullptr && !v.dict()->is_namespace; }},
    {"iterable",
     [](const Value& v) {
         const bool is_dict = v.dict() != nullptr && !v.dict()->is_namespace;
         return v.is_undefined() || v.is_text() || v.list() != nullptr || is_dict;
     }},
    {"sequence",
     [](const Value& v) {
         const bool is_dict = v.dict() != nullptr && !v.dict()->is_namespace;
         return v.is_undefined() || v.is_text() || v.list() != nullptr || is_dict;
     }},
    {"number", [](const Value& v) { return v.is_number(); }},
    {"integer", [](const Value& v) { return v.is_integer(); }},
    {"float", [](const Value& v) { return v.is_real(); }},
    {"boolean", [](const Value& v) { return v.is_bool(); }},
    {"true", [](const Value& v) { return v.is_bool() && v.is_true(); }},
    {"false", [](const Value& v) { return v.is_bool() && !v.is_true(); }},
    {"callable", [](const Value& v) { return v.macro() != nullptr; }},
}};

/// Tests that compare with an argument.
bool is_equality(std::string_view name) {
    return name == "equalto" || name == "eq";
}

}  // namespace

Result<bool> contains(const Value& container, const Value& item, Budget& budget) {
    if (const Text* const text = container.text()) {
        if (item.text() == nullptr) return render_error("'in' asks a text for a text");
        return text->bytes().find(item.text()->bytes()) != std::string::npos;
    }
    TRY(items, items_of(container, budget));
    for (const Value& candidate : items) {
        TRY(same, equals(candidate, item, budget));
        if (same) return true;
    }
    return false;
}

bool is_test_name(std::string_view name) {
    return is_equality(name) || name == "ne" || name == "in" ||
           std::any_of(kTests.begin(), kTests.end(),
                       [&](const NamedTest& test) { return test.name == name; });
}

Result<Value> call_test(const std::string& name, const Value& subject, const Arguments& arguments,
                        Budget& budget) {
    if (is_equality(name) || name == "ne") {
        TRY(same, equals(subject, arguments.get(0, ""), budget));
        return Value(same == is_equality(name));
    }
    if (name == "in") {
        TRY(found, contains(arguments.get(0, ""), subject, budget));
        return Value(found);
    }
    for (const NamedTest& test : kTests) {
        if (test.name == name) return Value(test.holds(subject));
    }
    return Value(false);
}

}  // namespace dayrun::core::jinja
