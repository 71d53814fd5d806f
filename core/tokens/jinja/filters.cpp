// The filters of the subset, each a function in one table. Neighbours: functions.h,
// value_tests.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/tokens/jinja/functions.h"
#include "core/tokens/jinja/lexer.h"

namespace dayrun::core::jinja {
namespace {

using Filter = Result<Value> (*)(const Value&, const Arguments&, Budget&);

Result<Value> trim_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    TRY(text, to_text(subject, budget));
    return Value(stripped(text, arguments.get(0, "chars"), true, true));
}

Result<Value> json_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    const Value indent = arguments.get(3, "indent").is_undefined() && !arguments.positional.empty()
                             ? arguments.positional[0]
                             : arguments.get(3, "indent");
    const int64_t spaces = indent.is_integer() ? std::min<int64_t>(indent.integer(), 64) : -1;
    std::string comma = spaces >= 0 ? "," : ", ";
    std::string colon = ": ";
    const Value separators = arguments.get(4, "separators");
    if (const List* const given = separators.list(); given != nullptr && given->items.size() == 2) {
        if (given->items[0].text() != nullptr) comma = given->items[0].text()->bytes();
        if (given->items[1].text() != nullptr) colon = given->items[1].text()->bytes();
    }
    const bool sorts = arguments.get(5, "sort_keys").is_true();
    TRY(json, to_json(subject, spaces, comma, colon, sorts, budget));
    return Value(std::move(json));
}

Result<Value> length_filter(const Value& subject, const Arguments&, Budget& budget) {
    if (const Text* const text = subject.text()) {
        int64_t count = 0;
        for (const char c : text->bytes()) count += (c & 0xC0) != 0x80 ? 1 : 0;
        return Value(count);
    }
    TRY(items, items_of(subject, budget));
    return Value(static_cast<int64_t>(items.size()));
}

Result<Value> lower_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(text, to_text(subject, budget));
    return Value(lowered(text));
}

Result<Value> upper_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(text, to_text(subject, budget));
    return Value(raised(text));
}

/// Words begin behind white space and opening brackets; the rest of a word is lower case.
Result<Value> title_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(text, to_text(subject, budget));
    Text out;
    bool is_start = true;
    for (size_t at = 0; at < text.size();) {
        const size_t size = character_size(text.bytes(), at);
        const Text character = text.part(at, at + size);
        out.append(is_start ? raised(character) : lowered(character));
        is_start = space_at(text.bytes(), at) > 0 ||
                   std::string_view("-({[<").find(text.bytes()[at]) != std::string_view::npos;
        at += size;
    }
    return Value(std::move(out));
}

Result<Value> capitalize_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(text, to_text(subject, budget));
    if (text.size() == 0) return Value(text);
    const size_t first = character_size(text.bytes(), 0);
    Text out = raised(text.part(0, first));
    out.append(lowered(text.part(first, text.size())));
    return Value(std::move(out));
}

Result<Value> default_filter(const Value& subject, const Arguments& arguments, Budget&) {
    const bool is_missing =
        subject.is_undefined() || (arguments.get(1, "boolean").is_true() && !subject.is_true());
    if (!is_missing) return subject;
    const Value other = arguments.get(0, "default_value");
    return other.is_undefined() ? Value("") : other;
}

Result<Value> first_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(items, items_of(subject, budget));
    return items.empty() ? Value(Undefined{"first item"}) : items.front();
}

Result<Value> last_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(items, items_of(subject, budget));
    return items.empty() ? Value(Undefined{"last item"}) : items.back();
}

Result<Value> replace_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    TRY(text, to_text(subject, budget));
    TRY(from, to_text(arguments.get(0, "old"), budget));
    TRY(to, to_text(arguments.get(1, "new"), budget));
    const Value count = arguments.get(2, "count");
    TRY(out, replaced(text, from, to, count.is_integer() ? count.integer() : -1, budget));
    return Value(std::move(out));
}

Result<Value> int_filter(const Value& subject, const Arguments& arguments, Budget&) {
    const Value other = arguments.get(0, "default");
    const Value fallback = other.is_undefined() ? Value(int64_t{0}) : other;
    if (subject.is_integer() || subject.is_bool()) return Value(subject.integer());
    double value = 0;
    if (subject.is_real()) {
        value = subject.number();
    } else if (const Text* const text = subject.text()) {
        const Text bare = stripped(*text, {}, true, true);
        const char* begin = bare.bytes().data();
        const char* const end = begin + bare.size();
        if (begin != end && *begin == '+') ++begin;
        int64_t whole = 0;
        if (const auto read = std::from_chars(begin, end, whole);
            read.ec == std::errc() && read.ptr == end) {
            return Value(whole);
        }
        const auto read = std::from_chars(begin, end, value);
        if (read.ec != std::errc() || read.ptr != end) return fallback;
    } else {
        return fallback;
    }
    if (!std::isfinite(value) || std::abs(value) >= 9.0e18) return fallback;
    return Value(static_cast<int64_t>(value));
}

Result<Value> string_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(text, to_text(subject, budget));
    return Value(std::move(text));
}

Result<Value> list_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY_VOID(budget.nest());
    TRY(items, items_of(subject, budget));
    return make_list(std::move(items));
}

Result<Value> items_filter(const Value& subject, const Arguments&, Budget& budget) {
    if (subject.is_undefined()) return make_list({});
    return call_method("items", subject, Arguments{}, budget);
}

Result<Value> safe_filter(const Value& subject, const Arguments&, Budget&) {
    return subject;
}

/// What `attribute='a.b'` names of an item.
Value named_part(const Value& item, const std::string& path) {
    Value at = item;
    for (size_t begin = 0; begin <= path.size();) {
        const size_t end = std::min(path.find('.', begin), path.size());
        at = attribute_of(at, std::string_view(path).substr(begin, end - begin));
        begin = end + 1;
    }
    return at;
}

Result<std::string> attribute_argument(const Value& value) {
    if (const Text* const text = value.text()) return text->bytes();
    return render_error("the filter takes the name of an attribute");
}

Result<Value> join_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    TRY(items, items_of(subject, budget));
    const Value separator = arguments.get(0, "d");
    Text between;
    if (!separator.is_undefined()) {
        TRY(text, to_text(separator, budget));
        between = std::move(text);
    }
    const Value attribute = arguments.get(1, "attribute");
    std::vector<Text> parts;
    for (const Value& item : items) {
        const Text* const name = attribute.text();
        TRY(text, to_text(name == nullptr ? item : named_part(item, name->bytes()), budget));
        TRY_VOID(budget.spend_bytes(between.size()));
        parts.push_back(std::move(text));
    }
    return Value(joined(parts, between));
}

Result<Value> map_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    TRY(items, items_of(subject, budget));
    const Value attribute = arguments.get(99, "attribute");
    const Value other = arguments.get(99, "default");
    std::vector<Value> mapped;
    for (const Value& item : items) {
        if (attribute.text() != nullptr) {
            Value part = named_part(item, attribute.text()->bytes());
            mapped.push_back(part.is_undefined() && !other.is_undefined() ? other : part);
            continue;
        }
        TRY(name, attribute_argument(arguments.get(0, "")));
        if (!is_filter_name(name)) {
            return render_error(fmt::format("map: there is no filter '{}'", name));
        }
        Arguments rest;
        rest.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
        rest.named = arguments.named;
        TRY(value, call_filter(name, item, rest, budget));
        mapped.push_back(std::move(value));
    }
    TRY_VOID(budget.nest());
    return make_list(std::move(mapped));
}

Result<Value> choose_by_attribute(const Value& subject, const Arguments& arguments, bool wanted,
                                  Budget& budget) {
    TRY(items, items_of(subject, budget));
    TRY(attribute, attribute_argument(arguments.get(0, "")));
    Arguments rest;
    std::string test;
    if (arguments.positional.size() > 1) {
        TRY(name, attribute_argument(arguments.positional[1]));
        if (!is_test_name(name)) {
            return render_error(fmt::format("selectattr: there is no test '{}'", name));
        }
        test = std::move(name);
        rest.positional.assign(arguments.positional.begin() + 2, arguments.positional.end());
    }
    std::vector<Value> chosen;
    for (const Value& item : items) {
        Value part = named_part(item, attribute);
        if (!test.empty()) {
            TRY(outcome, call_test(test, part, rest, budget));
            part = std::move(outcome);
        }
        if (part.is_true() == wanted) chosen.push_back(item);
    }
    TRY_VOID(budget.nest());
    return make_list(std::move(chosen));
}

Result<Value> selectattr_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    return choose_by_attribute(subject, arguments, true, budget);
}
Result<Value> rejectattr_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    return choose_by_attribute(subject, arguments, false, budget);
}

/// Sorted by key, without regard to case unless asked.
Result<Value> dictsort_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    TRY(pairs, call_method("items", subject, Arguments{}, budget));
    const bool is_exact = arguments.get(0, "case_sensitive").is_true();
    const Value by = arguments.get(1, "by");
    const size_t place = by.text() != nullptr && by.text()->bytes() == "value" ? 1 : 0;
    const bool is_reverse = arguments.get(2, "reverse").is_true();
    std::vector<Value> items = pairs.list()->items;
    const auto key = [&](const Value& pair) {
        const Value& value = pair.list()->items[place];
        return value.text() != nullptr && !is_exact ? Value(lowered(*value.text())) : value;
    };
    std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
        const Value& low = is_reverse ? b : a;
        const Value& high = is_reverse ? a : b;
        return compare(key(low), key(high)).value_or(0) < 0;
    });
    return make_list(std::move(items));
}

/// Lines behind the first (or all) moved in; blank ones stay unless asked.
Result<Value> indent_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    TRY(text, to_text(subject, budget));
    const Value width = arguments.get(0, "width");
    std::string space(4, ' ');
    if (width.is_integer()) {
        space.assign(static_cast<size_t>(std::clamp<int64_t>(width.integer(), 0, 1000)), ' ');
    }
    if (width.text() != nullptr) space = width.text()->bytes();
    const bool moves_first = arguments.get(1, "first").is_true();
    const bool moves_blank = arguments.get(2, "blank").is_true();
    Text out;
    for (size_t at = 0; at <= text.size();) {
        const size_t end = std::min(text.bytes().find('\n', at), text.size());
        const bool is_blank_line = end == at;
        const bool moves = at == 0 ? moves_first : (!is_blank_line || moves_blank);
        TRY_VOID(budget.spend_bytes(space.size()));
        if (moves) out.append(space);
        out.append_part(text, at, std::min(end + 1, text.size()));
        at = end + 1;
    }
    return Value(std::move(out));
}

/// The first of equal items stays; texts are compared without regard to case unless asked.
Result<Value> unique_filter(const Value& subject, const Arguments& arguments, Budget& budget) {
    TRY(items, items_of(subject, budget));
    const bool is_exact = arguments.get(0, "case_sensitive").is_true();
    const Value attribute = arguments.get(1, "attribute");
    std::vector<Value> kept, keys;
    for (const Value& item : items) {
        Value key =
            attribute.text() == nullptr ? item : named_part(item, attribute.text()->bytes());
        if (key.text() != nullptr && !is_exact) key = lowered(*key.text());
        bool is_known = false;
        for (const Value& known : keys) {
            TRY(same, equals(known, key, budget));
            if (same) is_known = true;
        }
        if (is_known) continue;
        keys.push_back(std::move(key));
        kept.push_back(item);
    }
    TRY_VOID(budget.nest());
    return make_list(std::move(kept));
}

Result<Value> reverse_filter(const Value& subject, const Arguments&, Budget& budget) {
    TRY(items, items_of(subject, budget));
    std::reverse(items.begin(), items.end());
    if (subject.text() == nullptr) {
        TRY_VOID(budget.nest());
        return make_list(std::move(items));
    }
    Text out;
    for (const Value& item : items) out.append(*item.text());
    return Value(std::move(out));
}

struct NamedFilter {
    std::string_view name;
    Filter run;
};
constexpr std::array<NamedFilter, 26> kFilters{{{"trim", trim_filter},
                                                {"tojson", json_filter},
                                                {"length", length_filter},
                                                {"count", length_filter},
                                                {"lower", lower_filter},
                                                {"upper", upper_filter},
                                                {"title", title_filter},
                                                {"capitalize", capitalize_filter},
                                                {"default", default_filter},
                                                {"d", default_filter},
                                                {"first", first_filter},
                                                {"last", last_filter},
                                                {"replace", replace_filter},
                                                {"int", int_filter},
                                                {"string", string_filter},
                                                {"list", list_filter},
                                                {"items", items_filter},
                                                {"safe", safe_filter},
                                                {"join", join_filter},
                                                {"map", map_filter},
                                                {"selectattr", selectattr_filter},
                                                {"rejectattr", rejectattr_filter},
                                                {"dictsort", dictsort_filter},
                                                {"indent", indent_filter},
                                                {"unique", unique_filter},
                                                {"reverse", reverse_filter}}};

const NamedFilter* find_filter(std::string_view name) {
    const auto* const found = std::find_if(kFilters.begin(), kFilters.end(),
                                           [&](const auto& known) { return known.name == name; });
    return name.empty() || found == kFilters.end() ? nullptr : found;
}

}  // namespace

bool is_filter_name(std::string_view name) {
    return find_filter(name) != nullptr;
}

Result<Value> call_filter(const std::string& name, const Value& subject, const Arguments& arguments,
                          Budget& budget) {
    TRY_VOID(budget.spend());
    return find_filter(name)->run(subject, arguments, budget);
}

}  // namespace dayrun::core::jinja
