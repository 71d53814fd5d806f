// The filters, tests, methods and functions that a template may call. One table each; the parser
// refuses every other name. Neighbours: filters.cpp, methods.cpp, to_json.cpp define them,
// evaluator.cpp calls them. Plain functions: one thread a rendering.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/jinja/value.h"

namespace dayrun::core::jinja {

/// The arguments of a call, evaluated.
struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;

    /// The argument at `place` or called `name`; Undefined when neither is given.
    Value get(size_t place, std::string_view name) const;
};

bool is_filter_name(std::string_view name);
bool is_test_name(std::string_view name);
bool is_method_name(std::string_view name);
bool is_function_name(std::string_view name);

Result<Value> call_filter(const std::string& name, const Value& subject, const Arguments& arguments,
                          Budget& budget);
Result<Value> call_test(const std::string& name, const Value& subject, const Arguments& arguments,
                        Budget& budget);
Result<Value> call_method(const std::string& name, const Value& subject, const Arguments& arguments,
                          Budget& budget);
Result<Value> call_function(const std::string& name, const Arguments& arguments, Budget& budget);

/// subject.name: a dict's member; Undefined when there is none.
Value attribute_of(const Value& subject, std::string_view name);
/// The items that a loop over `subject` sees: a list's, a dict's keys, a text's characters.
Result<std::vector<Value>> items_of(const Value& subject, Budget& budget);
/// Whether `item in container` holds.
Result<bool> contains(const Value& container, const Value& item, Budget& budget);
/// JSON as Python's json.dumps writes it; `indent` below 0: on one line.
Result<Text> to_json(const Value& value, int64_t indent, std::string_view comma,
                     std::string_view colon, bool sorts_keys, Budget& budget);

/// A failure while rendering.
Error render_error(std::string message);
/// Bytes of the character at `at`.
size_t character_size(std::string_view text, size_t at);
Text lowered(const Text& text);
Text raised(const Text& text);
Text stripped(const Text& text, const Value& characters, bool at_begin, bool at_end);
Result<Text> replaced(const Text& text, const Text& from, const Text& to, int64_t count,
                      Budget& budget);
Text joined(const std::vector<Text>& parts, const Text& separator);

}  // namespace dayrun::core::jinja
