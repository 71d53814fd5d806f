// Finding a model's chat_template. Neighbours: model_template.h, model_renderer.cpp.
#include "core/templates/model_template.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/tokens/tokenizer_config.h"

namespace dayrun::core {
namespace {

using Json = nlohmann::json;

/// A chat template is a page or two.
constexpr size_t kMaxTemplateBytes = 1 << 20;

/// The text under `chat_template`; "" when there is none.
std::string template_of(const Json& json) {
    const auto found = json.find("chat_template");
    if (found == json.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (!found->is_array()) return {};
    for (const Json& entry : *found) {
        const bool is_default = entry.is_object() && entry.value("name", Json()) == "default";
        if (is_default && entry.value("template", Json()).is_string()) {
            return entry["template"].get<std::string>();
        }
    }
    return {};
}

}  // namespace

std::string ModelTemplate::fingerprint() const {
    std::string all = text;
    for (const auto& [name, token] : special_tokens) {
        all.append("\n").append(name).append("=").append(token);
    }
    return all;
}

Result<ModelTemplate> read_model_template(const std::filesystem::path& folder) {
    ModelTemplate found;
    std::error_code ignored;
    const auto jinja = folder / "chat_template.jinja";
    if (std::filesystem::exists(jinja, ignored)) {
        TRY(text, read_file(jinja));
        found.text = std::move(text);
        found.file = jinja.string();
    }
    for (const char* const name : {"chat_template.json", "tokenizer_config.json"}) {
        const auto path = folder / name;
        if (!found.text.empty() || !std::filesystem::exists(path, ignored)) continue;
        TRY(text, read_file(path));
        const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
        if (json.is_object()) found.text = template_of(json);
        found.file = path.string();
    }
    if (found.text.empty() || found.text.size() > kMaxTemplateBytes) {
        return Error{.code = ErrorCode::BadTokenizer,
                     .message = fmt::format(
                         "{} has {}, which prompt.template: model asks for.", folder.string(),
                         found.text.empty() ? "no chat_template" : "an oversized chat_template"),
                     .hint = fmt::format("Choose one of {}, or write a text template; a base model "
                                         "has no template of its own.",
                                         fmt::join(template_names(), ", "))};
    }
    TRY(config, read_tokenizer_config(folder));
    const auto add = [&](const char* name, const std::string& token) {
        if (!token.empty()) found.special_tokens.emplace_back(name, token);
    };
    add("bos_token", config.bos_token);
    add("eos_token", config.eos_token);
    add("unk_token", config.unk_token);
    add("pad_token", config.pad_token);
    return found;
}

}  // namespace dayrun::core
