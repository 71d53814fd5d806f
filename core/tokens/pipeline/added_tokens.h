// Tokens that are found in the text itself, before anything is cut or merged ("<|im_end|>").
// Leftmost, longest first. Any thread after make.
// Neighbours: tokenizer_json.cpp, tiktoken_tokenizer.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

struct AddedToken {
    std::string content;
    int32_t id = -1;
    bool single_word = false;  // only between characters that are no word characters
    bool lstrip = false;       // takes the white space in front of it
    bool rstrip = false;       // and behind it
    bool normalized = false;   // is looked for in the normalized text
    bool special = false;      // vanishes when decoded
};

/// Whether special tokens in a text count as ordinary characters.
enum class SpecialText { Recognise, Plain };

class AddedTokenFinder {
  public:
    AddedTokenFinder() = default;
    explicit AddedTokenFinder(std::vector<AddedToken> tokens);

    /// Calls take(text, nullptr) for the text between tokens and take("", token) for each token,
    /// in order. Empty text is left out.
    template <typename Take>
    void split(std::string_view text, SpecialText special, Take take) const {
        size_t done = 0;  // up to here everything was taken
        size_t from = 0;  // from here tokens are looked for
        while (from < text.size()) {
            size_t at = from;
            const AddedToken* const token = next(text, at);
            if (token == nullptr) break;
            size_t begin = at;
            size_t end = at + token->content.size();
            from = end;
            if (!is_wanted(text, *token, begin, end, special)) continue;
            if (token->lstrip) begin = strip_left(text, done, begin);
            if (token->rstrip) end = strip_right(text, end);
            if (begin > done) take(text.substr(done, begin - done), nullptr);
            take(std::string_view(), token);
            // A token of white space is found in what rstrip took, too, and ends where it ends.
            done = end;
        }
        if (done < text.size()) take(text.substr(done), nullptr);
    }

  private:
    /// The first token at or behind `at`, which moves to its place.
    const AddedToken* next(std::string_view text, size_t& at) const;
    static bool is_wanted(std::string_view text, const AddedToken& token, size_t begin, size_t end,
                          SpecialText special);
    static size_t strip_left(std::string_view text, size_t done, size_t begin);
    static size_t strip_right(std::string_view text, size_t end);

    std::vector<AddedToken> m_tokens;     // by first byte, then longest first
    std::array<uint32_t, 257> m_first{};  // where the tokens of a first byte begin
};

}  // namespace dayrun::core
