// The pre-tokenizer of a tokenizer.json: cuts a normalized text into the words that are merged one
// by one. Any thread after make. Neighbours: word_scanner.h, tokenizer_json.cpp.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/bpe/word_scanner.h"
#include "core/tokens/pipeline/json_access.h"

namespace dayrun::core {

/// Words of one text, and buffers that are kept from call to call.
struct Words {
    std::vector<std::string_view> list;  // into the text given, or into `rewritten`
    std::deque<std::string> rewritten;
    std::vector<std::string_view> previous;
    std::vector<WordMatch> matches;
};

/// One step: takes words.previous one by one and appends to words.list.
class PreTokenizerStep {
  public:
    virtual ~PreTokenizerStep() = default;
    /// `is_first`: the word opens the whole text that was given to encode.
    virtual void apply(std::string_view word, bool is_first, Words& words) const = 0;
};

class PreTokenizer {
  public:
    /// From the value of "pre_tokenizer" (nothing = the whole text is one word). Unknown steps are
    /// refused by name.
    static Result<PreTokenizer> make(const std::optional<JsonElement>& config);
    /// One scanner whose matches are the words.
    explicit PreTokenizer(std::shared_ptr<const WordScanner> scanner);

    /// The words of a text, into words.list.
    void cut(std::string_view text, bool is_first, Words& words) const;
    /// Whether words are sequences of bytes for the model.
    bool is_byte_level() const { return m_is_byte_level; }

  private:
    PreTokenizer() = default;
    Result<void> add(const JsonElement& config);

    std::vector<std::shared_ptr<const PreTokenizerStep>> m_steps;
    bool m_is_byte_level = false;
};

}  // namespace dayrun::core
