// A tokenizer of single bytes with special tokens, and a model folder with a chat_template, for the
// tests of templates. Neighbour: test_model_template.cpp.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/tokens/encode.h"

namespace dayrun::tests {

/// One id a byte (3 to 258), specials from 300 in the order given.
class SpecialsTokenizer : public core::Tokenizer {
  public:
    SpecialsTokenizer(std::vector<std::string> specials, std::string bos, std::string eos)
        : m_specials(std::move(specials)), m_bos(std::move(bos)), m_eos(std::move(eos)) {}

    std::vector<int32_t> encode(std::string_view text, core::SpecialTokens) const override {
        std::vector<int32_t> ids;
        for (const unsigned char c : text) ids.push_back(c + 3);
        return ids;
    }
    std::string decode(const std::vector<int32_t>& ids) const override {
        std::string text;
        for (const int32_t id : ids) text += piece(id);
        return text;
    }
    std::string piece(int32_t id) const override {
        if (id >= 300) return m_specials.at(static_cast<size_t>(id - 300));
        return std::string(1, static_cast<char>(id - 3));
    }
    int32_t vocab_size() const override { return 300 + static_cast<int32_t>(m_specials.size()); }
    std::optional<int32_t> bos_id() const override { return special_id(m_bos); }
    std::optional<int32_t> eos_id() const override { return special_id(m_eos); }
    bool adds_bos() const override { return bos_id().has_value(); }
    std::optional<int32_t> special_id(std::string_view text) const override {
        for (size_t i = 0; i < m_specials.size(); ++i) {
            if (m_specials[i] == text) return static_cast<int32_t>(i) + 300;
        }
        return std::nullopt;
    }
    std::vector<core::SpecialMatch> find_specials(std::string_view text) const override {
        std::vector<core::SpecialMatch> found;
        for (size_t at = 0; at < text.size(); ++at) {
            for (size_t i = 0; i < m_specials.size(); ++i) {
                if (!text.substr(at).starts_with(m_specials[i])) continue;
                const size_t end = at + m_specials[i].size();
                found.push_back({at, end, static_cast<int32_t>(i) + 300});
                at = end - 1;
                break;
            }
        }
        return found;
    }
    const std::string& fingerprint() const override { return m_fingerprint; }

  private:
    std::vector<std::string> m_specials;
    std::string m_bos, m_eos;
    std::string m_fingerprint = "bytes and specials";
};

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
    return nlohmann::json::parse(
        *core::read_file(DAYRUN_SOURCE_DIR "/tests/core/tokens/fixtures/" + name));
}

}  // namespace dayrun::tests
