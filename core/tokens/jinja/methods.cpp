// Methods of texts, lists and dicts, and the functions called by a bare name. Neighbour:
// functions.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/tokens/jinja/functions.h"
#include "core/tokens/jinja/lexer.h"

namespace dayrun::core::jinja {
namespace {

/// Day that strftime_now() tells. Today's date would make the same recipe give other bytes each
/// day; this is the day that the templates of Llama 3 fall back to themselves.
constexpr std::array<std::pair<char, std::string_view>, 12> kDay{{{'d', "26"},
                                                                  {'m', "07"},
                                                                  {'Y', "2024"},
                                                                  {'y', "24"},
                                                                  {'b', "Jul"},
                                                                  {'B', "July"},
                                                                  {'a', "Fri"},
                                                                  {'A', "Friday"},
                                                                  {'H', "00"},
                                                                  {'M', "00"},
                                                                  {'S', "00"},
                                                                  {'%', "%"}}};

Result<std::string> fixed_day(std::string_view format) {
    std::string out;
    for (size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 == format.size()) {
            out += format[i];
            continue;
        }
        const char wanted = format[++i];
        const auto known = std::find_if(kDay.begin(), kDay.end(),
                                        [&](const auto& part) { return part.first == wanted; });
        if (known == kDay.end()) {
            return render_error(fmt::format("strftime_now does not know %{}", wanted));
        }
        out += known->second;
    }
    return out;
}

Result<Value> range(const Arguments& arguments, Budget& budget) {
    std::array<int64_t, 3> bounds{0, 0, 1};
    const size_t count = arguments.positional.size();
    if (count < 1 || count > 3) return render_error("range takes one to three numbers");
    for (size_t i = 0; i < count; ++i) {
        if (!arguments.positional[i].is_integer() && !arguments.positional[i].is_bool()) {
            return render_error("range takes whole numbers");
        }
        bounds[count == 1 ? 1 : i] = arguments.positional[i].integer();
    }
    const auto [begin, end, step] = bounds;
    if (step == 0) return render_error("range cannot step by 0");
    std::vector<Value> items;
    for (int64_t at = begin; step > 0 ? at < end : at > end;) {
        TRY_VOID(budget.spend());
        items.emplace_back(at);
        if (__builtin_add_overflow(at, step, &at)) break;
    }
    return make_list(std::move(items));
}

Result<Value> make_namespace(const Arguments& arguments, Budget& budget) {
    auto made = std::make_shared<Dict>();
    made->is_namespace = true;
    for (const Value& given : arguments.positional) {
        if (given.dict() == nullptr) return render_error("namespace takes dicts and names");
        for (const auto& [key, value] : given.dict()->items) made->set(key, value);
    }
    for (const auto& [name, value] : arguments.named) made->set(Text(name), value);
    TRY_VOID(budget.nest());
    return Value(std::move(made));
}

Result<Value> split(const Text& text, const Value& separator, int64_t limit) {
    std::vector<Value> parts;
    const std::string& bytes = text.bytes();
    if (const Text* const between = separator.text()) {
        if (between->size() == 0) return render_error("split takes a separator that is not empty");
        size_t kept = 0;
        while (limit != 0) {
            const size_t at = bytes.find(between->bytes(), kept);
            if (at == std::string::npos) break;
            parts.emplace_back(text.part(kept, at));
            kept = at + between->size();
            --limit;
        }
        parts.emplace_back(text.part(kept, bytes.size()));
        return make_list(std::move(parts));
    }
    size_t at = stripped_begin(bytes);
    while (at < bytes.size()) {
        size_t end = at;
        while (end < bytes.size() && space_at(bytes, end) == 0) end += character_size(bytes, end);
        if (limit-- == 0) {
            parts.emplace_back(text.part(at, stripped_end(bytes)));
            break;
        }
        parts.emplace_back(text.part(at, end));
        at = end;
        while (const size_t size = space_at(bytes, at)) at += size;
    }
    return make_list(std::move(parts));
}

/// `test` is a text or a tuple of texts.
Result<Value> begins_or_ends(const Text& text, const Value& test, bool begins) {
    std::vector<const Text*> wanted;
    if (test.text() != nullptr) wanted.push_back(test.text());
    if (test.list() != nullptr) {
        for (const Value& item : test.list()->items) {
            if (item.text() != nullptr) wanted.push_back(item.text());
        }
    }
    if (wanted.empty()) return render_error("startswith and endswith take a text");
    return Value(std::any_of(wanted.begin(), wanted.end(), [&](const Text* part) {
        return begins ? text.bytes().starts_with(part->bytes())
                      : text.bytes().ends_with(part->bytes());
    }));
}

Result<Value> text_method(const std::string& name, const Text& text, const Arguments& arguments,
                          Budget& budget) {
    TRY_VOID(budget.spend_bytes(text.size()));
    const Value first = arguments.get(0, name == "split" ? "sep" : "");
    if (name == "strip") return Value(stripped(text, first, true, true));
    if (name == "lstrip") return Value(stripped(text, first, true, false));
    if (name == "rstrip") return Value(stripped(text, first, false, true));
    if (name == "lower") return Value(lowered(text));
    if (name == "upper") return Value(raised(text));
    if (name == "title" || name == "capitalize") {
        return call_filter(name, Value(text), Arguments{}, budget);
    }
    if (name == "startswith" || name == "endswith") {
        return begins_or_ends(text, first, name == "startswith");
    }
    if (name == "split") {
        const Value limit = arguments.get(1, "maxsplit");
        return split(text, first, limit.is_integer() ? limit.integer() : -1);
    }
    if (name == "replace") {
        const Value to = arguments.get(1, "");
        const Value count = arguments.get(2, "count");
        if (first.text() == nullptr || to.text() == nullptr) {
            return render_error("replace takes two texts");
        }
        TRY(out, replaced(text, *first.text(), *to.text(),
                          count.is_integer() ? count.integer() : -1, budget));
        return Value(std::move(out));
    }
    if (name == "join") return call_filter("join", first, Arguments{{Value(text)}, {}}, budget);
    return render_error(fmt::format("a text has no method '{}'", name));
}

Result<Value> dict_method(const std::string& name, const Dict& dict, const Arguments& arguments,
                          Budget& budget) {
    TRY_VOID(budget.spend(dict.items.size() + 1));
    if (name == "get") {
        if (const Value* const found = dict.find(arguments.get(0, ""))) return *found;
        const Value other = arguments.get(1, "");
        return other.is_undefined() ? Value(None{}) : other;
    }
    std::vector<Value> items;
    for (const auto& [key, value] : dict.items) {
        if (name == "keys") items.push_back(key);
        if (name == "values") items.push_back(value);
        if (name == "items") items.push_back(make_list({key, value}, true));
    }
    if (name == "keys" || name == "values" || name == "items") {
        TRY_VOID(budget.nest());
        return make_list(std::move(items));
    }
    return render_error(fmt::format("a dict has no method '{}'", name));
}

Result<Value> append(const Value& subject, const Arguments& arguments, Budget& budget) {
    const Value added = arguments.get(0, "");
    // A list that holds itself could not be shown, and would never be freed.
    TRY(is_ring, holds(added, subject.list(), budget));
    if (is_ring) return render_error("append: a list cannot hold itself");
    if (added.list() != nullptr || added.dict() != nullptr) TRY_VOID(budget.nest());
    subject.list()->items.push_back(added);
    return Value(None{});
}

}  // namespace

Error render_error(std::string message) {
    return {.code = ErrorCode::BadData, .message = std::move(message)};
}

Value Arguments::get(size_t place, std::string_view name) const {
    if (place < positional.size()) return positional[place];
    for (const auto& [given, value] : named) {
        if (given == name) return value;
    }
    return {};
}

bool is_method_name(std::string_view name) {
    constexpr std::array<std::string_view, 17> kNames{
        "strip",      "lstrip",     "rstrip", "lower",    "upper", "title",
        "capitalize", "startswith", "split",  "get",      "keys",  "replace",
        "items",      "join",       "values", "endswith", "append"};
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_function_name(std::string_view name) {
    return name == "range" || name == "namespace" || name == "raise_exception" ||
           name == "strftime_now";
}

Result<Value> call_method(const std::string& name, const Value& subject, const Arguments& arguments,
                          Budget& budget) {
    if (const Text* const text = subject.text()) {
        return text_method(name, *text, arguments, budget);
    }
    if (subject.list() != nullptr && name == "append" && !subject.list()->is_tuple) {
        return append(subject, arguments, budget);
    }
    if (const Dict* const dict = subject.dict(); dict != nullptr && !dict->is_namespace) {
        return dict_method(name, *dict, arguments, budget);
    }
    if (subject.is_undefined()) {
        return render_error(fmt::format("'{}' is undefined", subject.undefined_name()));
    }
    return render_error(fmt::format("a {} has no method '{}'", subject.type_name(), name));
}

Result<Value> call_function(const std::string& name, const Arguments& arguments, Budget& budget) {
    if (name == "range") return range(arguments, budget);
    if (name == "namespace") return make_namespace(arguments, budget);
    const Value first = arguments.get(0, name == "strftime_now" ? "format" : "message");
    TRY(text, to_text(first, budget));
    if (name == "raise_exception") return render_error(text.bytes());
    TRY(day, fixed_day(text.bytes()));
    return Value(Text(std::move(day)));
}

}  // namespace dayrun::core::jinja
