// Walks a template's tree and writes its text. One evaluator a rendering, one thread. Neighbours:
// syntax.h (the tree), functions.h (what it may call), template.h (the door).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/jinja/functions.h"
#include "core/tokens/jinja/syntax.h"

namespace dayrun::core::jinja {

/// Names of one block; loops and macros have their own.
struct Scope {
    std::shared_ptr<Scope> outer;
    std::vector<std::pair<std::string, Value>> names;

    const Value* find(std::string_view name) const;
    void set(const std::string& name, Value value);
};

struct Macro {
    const Statement* definition = nullptr;
    std::weak_ptr<Scope> scope;  // where it was defined; weak, since that scope holds the macro
};

/// The variable `loop`.
struct LoopState {
    std::vector<Value> items;
    size_t index = 0;
    int64_t depth = 1;
};

class Evaluator {
  public:
    explicit Evaluator(std::vector<std::pair<std::string, Value>> context);

    /// BadData with the reason and the line when the template refuses or fails.
    Result<Text> run(const Body& body);

  private:
    enum class Flow { Next, Break, Continue };

    Result<Flow> walk(const Body& body, Text& out);
    Result<Flow> step(const Statement& statement, Text& out);
    Result<Flow> walk_if(const Statement& statement, Text& out);
    Result<Flow> walk_for(const Statement& statement, Text& out);
    Result<void> set(const Statement& statement);
    Result<void> set_block(const Statement& statement);
    Result<void> unpack(const std::vector<std::string>& names, const Value& value);

    Result<Value> value_of(const Expression& expression);
    Result<Value> value_of_parts(const Expression& expression);
    Result<Value> value_of_name(const std::string& name) const;
    Result<Value> value_of_item(const Value& subject, const Value& key);
    Result<Value> value_of_slice(const Expression& expression);
    Result<Value> value_of_call(const Expression& expression);
    Result<Value> value_of_unary(const Expression& expression);
    Result<Value> value_of_binary(const Expression& expression);
    Result<Value> value_of_compare(const Expression& expression);
    Result<Value> call_macro(const Macro& macro, const Arguments& arguments);
    Result<Arguments> arguments_of(const Expression& expression);

    Budget m_budget;
    std::shared_ptr<Scope> m_scope;
    int m_depth = 0;
};

}  // namespace dayrun::core::jinja
