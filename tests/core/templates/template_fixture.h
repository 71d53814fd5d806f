// Marked texts, dialogues and a model folder with a chat_template, for the tests of templates.
// Neighbour: test_model_template.cpp.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/compile/encode.h"
#include "tests/core/tokens/byte_tokenizer.h"

namespace dayrun::tests {

/// The text of a document with its trained stretches in ⟦ ⟧.
inline std::string marked_text(const core::TokenizedSample& sample,
                               const core::Tokenizer& tokenizer) {
    std::string out;
    bool is_open = false;
    for (size_t i = 0; i < sample.tokens.size(); ++i) {
        const bool is_trained = sample.labels[i] != core::kIgnoreLabel;
        if (is_trained != is_open) out += "⟦";
        if (is_trained != is_open && !is_trained) out.replace(out.size() - 3, 3, "⟧");
        is_open = is_trained;
        out += tokenizer.piece(sample.tokens[i]);
    }
    return is_open ? out + "⟧" : out;
}

/// A dialogue from a fixture's messages; every reply is to be trained.
inline core::Sample sample_of(const nlohmann::json& messages) {
    core::Sample sample;
    for (const auto& message : messages) {
        const std::string role = message.at("role");
        const bool is_reply = role == "assistant";
        sample.add_message(role == "system" ? core::Role::System
                           : is_reply       ? core::Role::Assistant
                                            : core::Role::User,
                           message.at("content").get<std::string>(), is_reply);
    }
    return sample;
}

/// Writes tokenizer_config.json with the template; the recipe's base is that folder.
inline core::Recipe model_recipe(const std::filesystem::path& folder, const std::string& text,
                                 const std::string& bos, const std::string& eos) {
    nlohmann::json config{{"chat_template", text}};
    if (!bos.empty()) config["bos_token"] = bos;
    if (!eos.empty()) config["eos_token"] = {{"content", eos}};
    std::ofstream(folder / "tokenizer_config.json") << config.dump();
    core::Recipe recipe;
    recipe.base.path = folder.string();
    recipe.prompt.prompt_template = "model";
    return recipe;
}

inline nlohmann::json read_fixture(const std::string& name) {
    return nlohmann::json::parse(*core::read_file(DAYRUN_SOURCE_DIR "/tests/core/" + name));
}

}  // namespace dayrun::tests
