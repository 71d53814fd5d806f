// Recipe -> YAML text, in the order of contracts.md. Neighbour: recipe_yaml.cpp reads it back.
#include <fmt/format.h>

#include <algorithm>

#include "core/recipe/recipe_yaml.h"
#include "core/recipe/setting_input.h"

namespace dayrun::core {
namespace {

// Plain where nothing else could be meant; quoted with escapes everywhere else.
std::string scalar_text(const std::string& text, bool is_text) {
    static constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+";
    static constexpr std::string_view kWords[] = {"true", "false", "null", "yes",
                                                  "no",   "on",    "off"};
    const bool plain_letters = text.find_first_not_of(kPlain) == std::string::npos;
    const bool starts_with_letter =
        !text.empty() &&
        (std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '.' || text[0] == '/');
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    const bool reserved =
        std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords);
    const bool plain_text = starts_with_letter && !reserved;
    if (plain_letters && !text.empty() && lower != "null" && (!is_text || plain_text)) return text;
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += {'\\', c};
        } else if (c == '\n') {
            quoted += "\\n";
        } else if (c == '\t') {
            quoted += "\\t";
        } else if (static_cast<unsigned char>(c) < 0x20) {
            quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            quoted += c;
        }
    }
    return quoted + "\"";
}

std::string flow_text(const SettingInput& input, bool is_text) {
    std::string text;
    switch (input.kind) {
        case SettingInput::Kind::Empty:
            return "";
        case SettingInput::Kind::Scalar:
            return scalar_text(input.text, is_text);
        case SettingInput::Kind::List:
            for (const SettingInput& item : input.items) {
                text += (text.empty() ? "" : ", ") + flow_text(item, is_text);
            }
            return "[" + text + "]";
        case SettingInput::Kind::Map:
            for (const auto& [key, value] : input.entries) {
                text += (text.empty() ? "" : ", ") + scalar_text(key, true) + ": " +
                        flow_text(value, is_text);
            }
            return "{" + text + "}";
    }
    return text;
}

bool is_text_type(SettingType type) {
    return type == SettingType::Text || type == SettingType::Path ||
           type == SettingType::TextList || type == SettingType::Columns;
}

/// Prints nested keys as block maps, opening each section when its first key comes.
class Writer {
  public:
    void add(const std::string& key, const std::string& value) {
        std::string rest = key;
        std::string indent;
        std::vector<std::string> sections;
        for (size_t dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
            sections.push_back(rest.substr(0, dot));
            rest.erase(0, dot + 1);
        }
        bool same = true;
        for (size_t depth = 0; depth < sections.size(); ++depth) {
            same = same && depth < m_open.size() && m_open[depth] == sections[depth];
            if (!same) open_section(sections[depth], depth);
        }
        m_text += prefix(sections.size()) + rest + ":" + (value.empty() ? "" : " " + value) + "\n";
        m_open = sections;
    }

    std::string text() && { return std::move(m_text); }

  private:
    // "data[1]" opens the list once and then an element, whose first line carries the dash.
    void open_section(const std::string& section, size_t depth) {
        if (!section.starts_with("data[")) {
            m_text += prefix(depth) + section + ":\n";
            return;
        }
        if (section == "data[0]") m_text += "data:\n";
        m_dash = true;
    }

    std::string prefix(size_t depth) {
        std::string spaces(2 * depth, ' ');
        if (m_dash && depth > 0) {
            m_dash = false;
            spaces[spaces.size() - 2] = '-';
        }
        return spaces;
    }

    std::string m_text;
    std::vector<std::string> m_open;
    bool m_dash = false;
};

}  // namespace

std::string flow_text(const SettingInput& input) {
    return flow_text(input, false);
}

std::string write_recipe(const Recipe& recipe, Keys keys) {
    Writer writer;
    static const Recipe s_defaults = [] {
        Recipe defaults;
        defaults.data.emplace_back();
        return defaults;
    }();
    for (const std::string& key : setting_keys(recipe)) {
        const auto [entry, index] = look_up_setting(key);
        const SettingInfo& info = entry->info;
        const SettingInput value = entry->get(recipe, index, info);
        const bool is_text = is_text_type(info.type);
        std::string text = flow_text(value, is_text);
        const bool required = key == "dayrun" || key == "name" || key.ends_with("].name") ||
                              key.ends_with("].path") || key == "base.path";
        const bool changed = text != flow_text(entry->get(s_defaults, 0, info), is_text);
        // An empty value of a key that must not be empty cannot be read back, so it is left out.
        if (text.empty() && !info.may_be_empty) continue;
        if (keys == Keys::All || required || changed) writer.add(key, text);
    }
    return std::move(writer).text();
}

}  // namespace dayrun::core
