// The statements of a template. Neighbours: evaluator.h, expressions.cpp.
#include "core/tokens/jinja/evaluator.h"

#include <fmt/format.h>

#include "core/base/check.h"

namespace dayrun::core::jinja {
namespace {

using Kind = Statement::Kind;

/// Macros may call macros, but not for ever.
constexpr int kMaxDepth = 100;

/// The scope inside a block, until the block ends.
class Inside {
  public:
    Inside(std::shared_ptr<Scope>& current, std::shared_ptr<Scope> outer)
        : m_current(current), m_before(current) {
        m_current = std::make_shared<Scope>();
        m_current->outer = std::move(outer);
    }
    ~Inside() { m_current = std::move(m_before); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

  private:
    std::shared_ptr<Scope>& m_current;
    std::shared_ptr<Scope> m_before;
};

}  // namespace

const Value* Scope::find(std::string_view name) const {
    for (const Scope* at = this; at != nullptr; at = at->outer.get()) {
        for (const auto& [known, value] : at->names) {
            if (known == name) return &value;
        }
    }
    return nullptr;
}

void Scope::set(const std::string& name, Value value) {
    for (auto& [known, old] : names) {
        if (known != name) continue;
        old = std::move(value);
        return;
    }
    names.emplace_back(name, std::move(value));
}

Evaluator::Evaluator(std::vector<std::pair<std::string, Value>> context)
    : m_scope(std::make_shared<Scope>()) {
    m_scope->names = std::move(context);
}

Result<Text> Evaluator::run(const Body& body) {
    Text out;
    TRY(flow, walk(body, out));
    CHECK(flow == Flow::Next);
    return out;
}

Result<Evaluator::Flow> Evaluator::walk(const Body& body, Text& out) {
    for (const auto& statement : body) {
        TRY_VOID(m_budget.spend());
        auto flow = step(*statement, out);
        if (!flow.ok()) {
            Error error = std::move(flow).error();
            // The innermost statement knows its line best.
            if (error.where.line == 0) error.where = {"chat_template", statement->line, 0};
            return error;
        }
        if (*flow != Flow::Next) return flow;
    }
    return Flow::Next;
}

Result<Evaluator::Flow> Evaluator::step(const Statement& statement, Text& out) {
    switch (statement.kind) {
        case Kind::Data:
            TRY_VOID(m_budget.spend_bytes(statement.text.size()));
            out.append(statement.text);
            return Flow::Next;
        case Kind::Print: {
            TRY(value, value_of(*statement.value));
            TRY(text, to_text(value, m_budget));
            out.append(text);
            return Flow::Next;
        }
        case Kind::If:
            return walk_if(statement, out);
        case Kind::For:
            return walk_for(statement, out);
        case Kind::Set:
            TRY_VOID(set(statement));
            return Flow::Next;
        case Kind::SetBlock:
            TRY_VOID(set_block(statement));
            return Flow::Next;
        case Kind::Macro: {
            auto macro = std::make_shared<Macro>();
            macro->definition = &statement;
            macro->scope = m_scope;
            m_scope->set(statement.targets[0], Value(std::shared_ptr<const Macro>(macro)));
            return Flow::Next;
        }
        case Kind::Generation: {
            Text inside;
            TRY(flow, walk(statement.body, inside));
            inside.mark_generated();
            out.append(inside);
            return flow;
        }
        case Kind::Break:
            return Flow::Break;
        case Kind::Continue:
            return Flow::Continue;
    }
    return Flow::Next;
}

Result<Evaluator::Flow> Evaluator::walk_if(const Statement& statement, Text& out) {
    for (const auto& [condition, body] : statement.branches) {
        if (condition != nullptr) {
            TRY(value, value_of(*condition));
            if (!value.is_true()) continue;
        }
        return walk(body, out);
    }
    return Flow::Next;
}

Result<Evaluator::Flow> Evaluator::walk_for(const Statement& statement, Text& out) {
    TRY(subject, value_of(*statement.value));
    TRY(items, items_of(subject, m_budget));
    auto loop = std::make_shared<LoopState>();
    if (const Value* const outer = m_scope->find("loop"); outer != nullptr && outer->loop()) {
        loop->depth = outer->loop()->depth + 1;
    }
    if (statement.condition != nullptr) {
        for (const Value& item : items) {
            const Inside inside(m_scope, m_scope);
            TRY_VOID(unpack(statement.targets, item));
            TRY(wanted, value_of(*statement.condition));
            if (wanted.is_true()) loop->items.push_back(item);
        }
    } else {
        loop->items = std::move(items);
    }
    if (loop->items.empty()) return walk(statement.other, out);
    for (; loop->index < loop->items.size(); ++loop->index) {
        const Inside inside(m_scope, m_scope);
        TRY_VOID(m_budget.spend());
        m_scope->set("loop", Value(std::shared_ptr<const LoopState>(loop)));
        TRY_VOID(unpack(statement.targets, loop->items[loop->index]));
        TRY(flow, walk(statement.body, out));
        if (flow == Flow::Break) break;
    }
    return Flow::Next;
}

Result<void> Evaluator::unpack(const std::vector<std::string>& names, const Value& value) {
    if (names.size() == 1) {
        m_scope->set(names[0], value);
        return {};
    }
    TRY(items, items_of(value, m_budget));
    if (items.size() != names.size()) {
        return render_error(
            fmt::format("{} values cannot be given to {} names", items.size(), names.size()));
    }
    for (size_t i = 0; i < names.size(); ++i) m_scope->set(names[i], items[i]);
    return {};
}

Result<void> Evaluator::set(const Statement& statement) {
    TRY(value, value_of(*statement.value));
    if (statement.attribute.empty()) return unpack(statement.targets, value);
    const Value* const target = m_scope->find(statement.targets[0]);
    Dict* const dict = target == nullptr ? nullptr : target->dict();
    if (dict == nullptr || !dict->is_namespace) {
        return render_error(fmt::format("'{}' is no namespace", statement.targets[0]));
    }
    TRY(is_ring, holds(value, dict, m_budget));
    if (is_ring) return render_error("a namespace cannot hold itself");
    if (value.list() != nullptr || value.dict() != nullptr) TRY_VOID(m_budget.nest());
    dict->set(Text(statement.attribute), std::move(value));
    return {};
}

Result<void> Evaluator::set_block(const Statement& statement) {
    Text text;
    {
        const Inside inside(m_scope, m_scope);
        TRY(flow, walk(statement.body, text));
        if (flow != Flow::Next) return render_error("break and continue cannot leave a set block");
    }
    // The filters behind the name stand over the name "".
    const Inside inside(m_scope, m_scope);
    m_scope->set("", Value(std::move(text)));
    TRY(value, value_of(*statement.value));
    m_scope->outer->set(statement.targets[0], std::move(value));
    return {};
}

Result<Value> Evaluator::call_macro(const Macro& macro, const Arguments& arguments) {
    const std::shared_ptr<Scope> defined_in = macro.scope.lock();
    if (defined_in == nullptr) return render_error("a macro is called outside its block");
    if (++m_depth > kMaxDepth) return render_error("macros call each other without end");
    const Statement& definition = *macro.definition;
    const size_t count = definition.targets.size() - 1;
    if (arguments.positional.size() > count) {
        return render_error(fmt::format("the macro '{}' takes {} arguments, not {}",
                                        definition.targets[0], count, arguments.positional.size()));
    }
    const Inside inside(m_scope, defined_in);
    const size_t first_default = count - definition.defaults.size();
    for (size_t i = 0; i < count; ++i) {
        const std::string& name = definition.targets[i + 1];
        Value value = arguments.get(i, name);
        if (value.is_undefined() && i >= first_default) {
            TRY(other, value_of(*definition.defaults[i - first_default]));
            value = std::move(other);
        }
        if (value.is_undefined()) value = Undefined{name};
        m_scope->set(name, std::move(value));
    }
    Text text;
    TRY(flow, walk(definition.body, text));
    CHECK(flow == Flow::Next);
    --m_depth;
    return Value(std::move(text));
}

}  // namespace dayrun::core::jinja
