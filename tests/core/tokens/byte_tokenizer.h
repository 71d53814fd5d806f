// A tokenizer whose ids can be read off: one id a byte (3 to 258), and special tokens by name.
// Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tokens/tokenizer.h"

namespace dayrun::tests {

class ByteTokenizer : public core::Tokenizer {
  public:
    /// <s> 1, </s> 2, <|im_end|> 300.
    ByteTokenizer()
        : m_specials({{"<s>", 1}, {"</s>", 2}, {"<|im_end|>", 300}}), m_bos("<s>"), m_eos("</s>") {}
    /// Specials from 300 in the order given.
    ByteTokenizer(const std::vector<std::string>& specials, std::string bos, std::string eos)
        : m_bos(std::move(bos)), m_eos(std::move(eos)) {
        for (const std::string& text : specials) {
            m_specials.emplace_back(text, 300 + static_cast<int32_t>(m_specials.size()));
        }
    }

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
        for (const auto& [text, special] : m_specials) {
            if (special == id) return text;
        }
        return id >= 3 && id < 259 ? std::string(1, static_cast<char>(id - 3)) : std::string();
    }
    int32_t vocab_size() const override { return 300 + static_cast<int32_t>(m_specials.size()); }
    std::optional<int32_t> bos_id() const override { return special_id(m_bos); }
    std::optional<int32_t> eos_id() const override { return special_id(m_eos); }
    bool adds_bos() const override { return bos_id().has_value(); }
    std::optional<int32_t> special_id(std::string_view text) const override {
        for (const auto& [special, id] : m_specials) {
            if (special == text) return id;
        }
        return std::nullopt;
    }
    std::vector<core::SpecialMatch> find_specials(std::string_view text) const override {
        std::vector<core::SpecialMatch> found;
        for (size_t at = 0; at < text.size(); ++at) {
            for (const auto& [special, id] : m_specials) {
                if (!text.substr(at).starts_with(special)) continue;
                found.push_back({at, at + special.size(), id});
                at += special.size() - 1;
                break;
            }
        }
        return found;
    }
    const std::string& fingerprint() const override { return m_fingerprint; }

  private:
    std::vector<std::pair<std::string, int32_t>> m_specials;
    std::string m_bos, m_eos;
    std::string m_fingerprint = "bytes";
};

}  // namespace dayrun::tests
