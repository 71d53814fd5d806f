// A template as a tree. Neighbours: parser.h makes it, evaluator.h walks it. Read-only once made:
// any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/tokens/jinja/value.h"

namespace dayrun::core::jinja {

struct Expression;
using ExpressionPointer = std::unique_ptr<const Expression>;

struct Argument {
    std::string name;  // "" when given by place
    ExpressionPointer value;
};

struct Expression {
    enum class Kind {
        Literal,    // literal
        Name,       // name
        List,       // parts
        Tuple,      // parts
        Dict,       // parts: key, value, key, value, …
        Attribute,  // parts[0].name
        Item,       // parts[0][parts[1]]
        Slice,      // parts[0][parts[1]:parts[2]:parts[3]], each of the three may be null
        Call,       // parts[0](arguments); a method when parts[0] is an Attribute
        Filter,     // parts[0] | name(arguments)
        Test,       // parts[0] is name(arguments)
        Unary,      // name: "-", "+", "not"
        Binary,     // parts[0] name parts[1]
        Compare,    // parts[0] names[0] parts[1] names[1] parts[2] …
        If,         // parts[0] if parts[1] else parts[2], which may be null
    };
    Kind kind = Kind::Literal;
    std::string name = {};
    std::vector<std::string> names = {};
    std::vector<ExpressionPointer> parts = {};
    std::vector<Argument> arguments = {};
    Value literal = {};
    int line = 1;
};

struct Statement;
using Body = std::vector<std::unique_ptr<const Statement>>;

struct Statement {
    enum class Kind {
        Data,        // text
        Print,       // value
        If,          // branches, the last one without a condition for `else`
        For,         // targets in value if condition: body; otherwise: other
        Set,         // targets = value, or targets[0].attribute = value
        SetBlock,    // targets[0] = body through value, a chain of filters over the name ""
        Macro,       // targets[0](targets[1…] = defaults): body
        Generation,  // body
        Break,
        Continue,
    };
    Kind kind = Kind::Data;
    std::string text = {};
    ExpressionPointer value = {};
    ExpressionPointer condition = {};
    std::vector<std::pair<ExpressionPointer, Body>> branches = {};
    std::vector<std::string> targets = {};
    std::string attribute = {};
    std::vector<ExpressionPointer> defaults = {};  // of the last parameters
    Body body = {};
    Body other = {};
    int line = 1;
};

}  // namespace dayrun::core::jinja
