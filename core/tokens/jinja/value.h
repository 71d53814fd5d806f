// What an expression of a template gives. Lists and dicts are shared, as in Python. Neighbours:
// text.h, evaluator.cpp. A value belongs to the rendering that made it: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/jinja/text.h"

namespace dayrun::core::jinja {

class Value;
struct Macro;      // evaluator.h
struct LoopState;  // evaluator.h

struct Undefined {
    std::string name;  // for the message when it is used
};
struct None {};
struct List {
    std::vector<Value> items;
    bool is_tuple = false;
};
struct Dict {
    std::vector<std::pair<Value, Value>> items;  // in order of insertion
    bool is_namespace = false;

    const Value* find(const Value& key) const;
    const Value* find(std::string_view key) const;
    void set(const Value& key, Value value);
};

class Value {
  public:
    Value() = default;  // Undefined
    Value(Undefined undefined) : m_value(std::move(undefined)) {}
    Value(None) : m_value(None{}) {}
    Value(bool value) : m_value(value) {}
    Value(int64_t value) : m_value(value) {}
    Value(double value) : m_value(value) {}
    Value(Text text) : m_value(std::make_shared<const Text>(std::move(text))) {}
    Value(const char* text) : Value(Text(text)) {}
    Value(std::shared_ptr<List> list) : m_value(std::move(list)) {}
    Value(std::shared_ptr<Dict> dict) : m_value(std::move(dict)) {}
    Value(std::shared_ptr<const Macro> macro) : m_value(std::move(macro)) {}
    Value(std::shared_ptr<const LoopState> loop) : m_value(std::move(loop)) {}

    bool is_undefined() const { return std::holds_alternative<Undefined>(m_value); }
    bool is_none() const { return std::holds_alternative<None>(m_value); }
    bool is_bool() const { return std::holds_alternative<bool>(m_value); }
    bool is_integer() const { return std::holds_alternative<int64_t>(m_value); }
    bool is_real() const { return std::holds_alternative<double>(m_value); }
    /// Python counts True and False as numbers.
    bool is_number() const { return is_bool() || is_integer() || is_real(); }
    bool is_text() const { return text() != nullptr; }

    const std::string& undefined_name() const { return std::get<Undefined>(m_value).name; }
    int64_t integer() const;  // of a bool or an integer
    double number() const;    // of any number
    const Text* text() const;
    List* list() const;
    Dict* dict() const;
    const Macro* macro() const;
    const LoopState* loop() const;

    bool is_true() const;
    /// "str", "list", "dict", … for messages.
    std::string type_name() const;

  private:
    std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const Text>,
                 std::shared_ptr<List>, std::shared_ptr<Dict>, std::shared_ptr<const Macro>,
                 std::shared_ptr<const LoopState>>
        m_value;
};

Value make_list(std::vector<Value> items, bool is_tuple = false);

/// What one rendering may cost: a template is a stranger's program.
class Budget {
  public:
    /// BadData when the template does more than any dialogue needs.
    Result<void> spend(size_t steps = 1);
    /// The same for copied text, which costs far less than a step a byte.
    Result<void> spend_bytes(size_t bytes) { return spend(1 + bytes / 16); }
    /// To be asked before a container is put into another: what is nested too deeply could not be
    /// walked or freed.
    Result<void> nest();

  private:
    size_t m_left = size_t{1} << 21;
    size_t m_nestings_left = 1000;
};

/// Whether two values are equal as in Python (1 == True, "a" == "a", lists by their items).
Result<bool> equals(const Value& a, const Value& b, Budget& budget);
/// -1, 0 or 1; an error for values without an order.
Result<int> compare(const Value& a, const Value& b);
/// Whether `value` is, or holds at any depth, the list or dict at `container`.
Result<bool> holds(const Value& value, const void* container, Budget& budget);
/// What {{ value }} writes: Python's str().
Result<Text> to_text(const Value& value, Budget& budget);
/// Python's str() of a double: "1.0", "1e-05".
std::string real_text(double value);

}  // namespace dayrun::core::jinja
