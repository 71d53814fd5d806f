// YAML -> Recipe, the only file that sees yaml-cpp; its exceptions end here.
// Neighbours: setting_input.h (values without types), recipe_write.cpp (the way back).
#include "core/recipe/recipe_yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "core/base/atomic_file.h"
#include "core/recipe/nearest_word.h"
#include "core/recipe/setting_input.h"

namespace dayrun::core {
namespace {

using Kind = SettingInput::Kind;

// A recipe is a page; a file of megabytes is a mistake, and deep nesting would exhaust the stack.
constexpr size_t kMaxRecipeBytes = 1 << 20;
constexpr int kMaxDepth = 32;

SettingInput to_input(const YAML::Node& node, int depth = 0) {
    SettingInput input;
    if (!node.IsDefined() || node.IsNull() || depth > kMaxDepth) return input;
    if (node.IsScalar()) {
        input.kind = Kind::Scalar;
        input.text = node.Scalar();
        input.quoted = node.Tag() == "!";
    } else if (node.IsSequence()) {
        input.kind = Kind::List;
        for (const YAML::Node& item : node) input.items.push_back(to_input(item, depth + 1));
    } else {
        input.kind = Kind::Map;
        for (const auto& pair : node) {
            input.entries.push_back({pair.first.IsScalar() ? pair.first.Scalar() : std::string(),
                                     to_input(pair.second, depth + 1)});
        }
    }
    return input;
}

FilePosition position(const std::string& file, const YAML::Mark& mark) {
    if (mark.is_null()) return {file, 0, 0};
    return {file, mark.line + 1, mark.column + 1};
}

std::string general_key(std::string key) {
    const size_t open = key.find('[');
    if (open != std::string::npos) key.erase(open + 1, key.find(']') - open - 1);
    return key;
}

/// The words that may stand directly under a section ("adapter" -> method, lora_rank, …).
std::vector<std::string> children_of(const std::string& section) {
    const std::string prefix = section.empty() ? "" : general_key(section) + ".";
    std::vector<std::string> children;
    for (const SettingInfo& info : settings()) {
        if (!info.key.starts_with(prefix)) continue;
        std::string child = info.key.substr(prefix.size());
        child.resize(std::min(child.find_first_of(".["), child.size()));
        if (std::find(children.begin(), children.end(), child) == children.end()) {
            children.push_back(child);
        }
    }
    return children;
}

/// Walks the document along the table of settings and assigns each leaf.
class Reader {
  public:
    Reader(std::string file, Recipe& recipe) : m_file(std::move(file)), m_recipe(recipe) {}

    Result<void> read_section(const YAML::Node& node, const std::string& section) {
        if (node.IsNull()) return {};
        if (!node.IsMap()) {
            return error_at(node,
                            fmt::format("{} must be a map of settings.",
                                        section.empty() ? "A recipe" : section),
                            "Write one 'key: value' a line below it.");
        }
        const std::vector<std::string> known = children_of(section);
        std::set<std::string> seen;
        for (const auto& pair : node) {
            const std::string word = pair.first.IsScalar() ? pair.first.Scalar() : "?";
            if (std::find(known.begin(), known.end(), word) == known.end()) {
                return unknown_key(pair.first, section, word, known);
            }
            if (!seen.insert(word).second) {
                return error_at(pair.first, fmt::format("'{}' is given twice.", word),
                                "Keep one of the two.");
            }
            const std::string key = section.empty() ? word : fmt::format("{}.{}", section, word);
            TRY_VOID(read_value(pair.second, pair.first, key));
        }
        return {};
    }

  private:
    Result<void> read_value(const YAML::Node& node, const YAML::Node& key_node,
                            const std::string& key) {
        if (key == "data") return read_sources(node, key_node);
        if (find_setting(key) == nullptr) return read_section(node, key);
        // An empty value of a setting that cannot be empty would hide a forgotten number.
        auto done = assign_setting(m_recipe, key, to_input(node));
        if (done.ok()) return {};
        Error error = std::move(done).error();
        error.where = position(m_file, node.IsNull() ? key_node.Mark() : node.Mark());
        return error;
    }

    Result<void> read_sources(const YAML::Node& node, const YAML::Node& key_node) {
        if (node.IsNull()) return {};
        if (!node.IsSequence()) {
            return error_at(key_node, "data must be a list of sources.",
                            "Start each source with '- name: …'.");
        }
        m_recipe.data.resize(node.size());
        for (size_t i = 0; i < node.size(); ++i) {
            TRY_VOID(read_section(node[i], fmt::format("data[{}]", i)));
        }
        return {};
    }

    Error unknown_key(const YAML::Node& node, const std::string& section, const std::string& word,
                      const std::vector<std::string>& known) const {
        const std::string nearest = nearest_word(word, known);
        const std::string place = section.empty() ? "the recipe" : "'" + section + "'";
        return error_at(node, fmt::format("There is no key '{}' in {}.", word, place),
                        nearest.empty() ? fmt::format("Known here: {}.", fmt::join(known, ", "))
                                        : fmt::format("Did you mean '{}'?", nearest));
    }

    Error error_at(const YAML::Node& node, std::string message, std::string hint) const {
        return {.code = ErrorCode::BadRecipe,
                .message = std::move(message),
                .hint = std::move(hint),
                .where = position(m_file, node.Mark())};
    }

    std::string m_file;
    Recipe& m_recipe;
};

}  // namespace

Result<SettingInput> parse_setting_text(std::string_view text) {
    try {
        return to_input(YAML::Load(std::string(text)));
    } catch (const YAML::Exception& exception) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("'{}' is not a value: {}.", text, exception.msg)};
    }
}

Result<Recipe> parse_recipe(std::string_view yaml, const std::string& file_name,
                            const std::filesystem::path& folder, const RecipeOverrides& set) {
    if (yaml.size() > kMaxRecipeBytes) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("'{}' is larger than a recipe can be.", file_name),
                     .hint = "Check that it is the file you meant."};
    }
    Recipe recipe;
    recipe.folder = folder;
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml));
        if (documents.size() != 1 || documents[0].IsNull()) {
            return Error{
                .code = ErrorCode::BadRecipe,
                .message = documents.size() > 1 ? "The file holds several YAML documents."
                                                : "The recipe is empty.",
                .hint = "A recipe is one YAML document; 'dayrun new DIR --sample' makes one.",
                .where = {file_name, 0, 0}};
        }
        TRY_VOID(Reader(file_name, recipe).read_section(documents[0], ""));
    } catch (const YAML::Exception& exception) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("This is not YAML: {}.", exception.msg),
                     .hint = "Check indentation, quotes and colons there.",
                     .where = position(file_name, exception.mark)};
    }
    for (const auto& [key, value] : set) TRY_VOID(set_setting(recipe, key, value));
    if (recipe.name.empty()) recipe.name = std::filesystem::path(file_name).stem().string();
    for (Error& finding : check_recipe(recipe)) {
        finding.where.file = file_name;
        return std::move(finding);
    }
    return recipe;
}

Result<Recipe> read_recipe(const std::filesystem::path& path, const RecipeOverrides& set) {
    TRY(text, read_file(path));
    std::error_code code;
    const auto absolute = std::filesystem::absolute(path, code);
    return parse_recipe(text, path.string(), absolute.parent_path(), set);
}

}  // namespace dayrun::core
