// A tokenizer whose ids can be read off: one id a byte (3 to 258), <s> 1, </s> 2, <|im_end|> 300.
// Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/tokens/tokenizer.h"

namespace dayrun::tests {

class ByteTokenizer : public core::Tokenizer {
  public:
    std::vector<int32_t> encode(std::string_view text, core::SpecialTokens) const override {
        std::vector<int32_t> ids;
        for (const unsigned char c : text) ids.push_back(c + 3);
        return ids;
    }
    std::string decode(const std::vector<int32_t>& ids) const override {
        std::string text;
        for (const int32_t id : ids) {
            if (id == 1) text += "<s>";
            if (id == 2) text += "</s>";
            if (id == 300) text += "<|im_end|>";
            if (id >= 3 && id < 259) text += static_cast<char>(id - 3);
        }
        return text;
    }
    std::string piece(int32_t id) const override { return decode({id}); }
    int32_t vocab_size() const override { return 301; }
    std::optional<int32_t> bos_id() const override { return 1; }
    std::optional<int32_t> eos_id() const override { return 2; }
    bool adds_bos() const override { return true; }
    std::optional<int32_t> special_id(std::string_view text) const override {
        if (text == "<|im_end|>") return 300;
        return text == "<s>" ? std::optional<int32_t>(1) : std::nullopt;
    }
    const std::string& fingerprint() const override { return m_fingerprint; }

  private:
    std::string m_fingerprint = "bytes";
};

}  // namespace dayrun::tests
