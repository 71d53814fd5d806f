// The words into which byte-level tokenizers cut a text before merging: scanners written out for
// the three published patterns, PCRE2 for any other. Any thread after make.
// Neighbour: pre_tokenizer.cpp. Semantics: leftmost, first alternative that matches.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

/// The pattern of ByteLevel with use_regex.
extern const std::string_view kGpt2Pattern;
/// Llama 3 and Qwen: the same but for the digits in a row, at most three or one.
extern const std::string_view kLlama3Pattern;
extern const std::string_view kQwenPattern;

/// A match; what lies between two matches is text that no alternative takes.
struct WordMatch {
    size_t begin = 0;
    size_t end = 0;
};

class WordScanner {
  public:
    virtual ~WordScanner() = default;
    /// Appends all matches of a text, in order. Empty matches are left out.
    virtual void scan(std::string_view text, std::vector<WordMatch>& matches) const = 0;

    /// A written-out scanner when the pattern is a known one, else PCRE2.
    static Result<std::shared_ptr<const WordScanner>> make(const std::string& pattern);
    /// Always PCRE2: the oracle of the written-out ones.
    static Result<std::shared_ptr<const WordScanner>> make_regex(const std::string& pattern);
};

}  // namespace dayrun::core
