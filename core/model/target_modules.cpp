// target_modules -> the linear modules that carry an adapter. Declared in weight_map.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "core/model/config/pattern.h"
#include "core/model/weight_map.h"

namespace dayrun::core {
namespace {

/// "model.layers.0.self_attn.q_proj" -> "q_proj"; with two of one name ("c_proj") both with their
/// parent, since the short one would select both.
std::vector<std::string> names_there_are(const WeightMap& map) {
    if (map.layers.empty()) return {};
    const auto tail = [](const std::string& module, int parts) {
        size_t at = module.size();
        for (int part = 0; part < parts && at != std::string::npos; ++part) {
            at = module.rfind('.', at - 1);
        }
        return at == std::string::npos ? module : module.substr(at + 1);
    };
    std::vector<std::string> names;
    const auto& linears = map.layers.front().linears;
    for (const LinearInfo& linear : linears) {
        const std::string name = tail(linear.module, 1);
        const auto same =
            std::count_if(linears.begin(), linears.end(),
                          [&](const LinearInfo& other) { return tail(other.module, 1) == name; });
        names.push_back(same > 1 ? tail(linear.module, 2) : name);
    }
    return names;
}

Error nothing_matches(const WeightMap& map, std::string_view asked, std::string_view advice = {}) {
    return {.code = ErrorCode::BadRecipe,
            .message =
                fmt::format("target_modules: '{}' matches no linear module of this model.", asked),
            .hint = fmt::format("{}The names there are: {}.", advice,
                                fmt::join(names_there_are(map), ", "))};
}

bool ends_with_name(std::string_view module, std::string_view name) {
    return module == name || (module.size() > name.size() && module.ends_with(name) &&
                              module[module.size() - name.size() - 1] == '.');
}

bool is_all_linear(std::string_view text) {
    constexpr std::string_view kWord = "all-linear";
    return std::equal(text.begin(), text.end(), kWord.begin(), kWord.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
    });
}

}  // namespace

Result<std::vector<const LinearInfo*>> match_target_modules(
    const WeightMap& map, const std::variant<std::vector<std::string>, std::string>& targets) {
    std::vector<const LinearInfo*> chosen;
    if (const auto* const text = std::get_if<std::string>(&targets)) {
        if (is_all_linear(*text)) return map.linears();
        TRY(pattern, Pattern::compile(*text));
        for (const LinearInfo* linear : map.linears()) {
            if (pattern.full_match(linear->module)) chosen.push_back(linear);
        }
        if (chosen.empty()) {
            return nothing_matches(
                map, *text,
                "A text alone is a regular expression for a module's whole name; "
                "write a list for endings of names. ");
        }
        return chosen;
    }
    const auto& names = std::get<std::vector<std::string>>(targets);
    std::vector<bool> did_match(names.size(), false);
    for (const LinearInfo* linear : map.linears()) {
        bool is_chosen = false;
        for (size_t i = 0; i < names.size(); ++i) {
            if (!ends_with_name(linear->module, names[i])) continue;
            did_match[i] = true;
            is_chosen = true;
        }
        if (is_chosen) chosen.push_back(linear);
    }
    const auto unmatched = std::find(did_match.begin(), did_match.end(), false);
    if (unmatched != did_match.end()) {
        const std::string& name = names[static_cast<size_t>(unmatched - did_match.begin())];
        return nothing_matches(
            map, name, is_all_linear(name) ? "It is no name: write it alone, not in a list. " : "");
    }
    if (chosen.empty()) return nothing_matches(map, "");
    return chosen;
}

}  // namespace dayrun::core
