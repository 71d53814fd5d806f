// Ids one by one to text that never ends inside a character, for generation on the screen.
// One thread. Neighbour: tokenizer.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tokens/tokenizer.h"

namespace dayrun::core {

class StreamDecoder {
  public:
    /// `tokenizer` must outlive the decoder.
    explicit StreamDecoder(const Tokenizer& tokenizer) : m_tokenizer(tokenizer) {}

    /// The text that this id completes; empty while a character is not whole.
    std::string push(int32_t id);
    /// What is left at the end; a broken character is U+FFFD.
    std::string finish();

  private:
    std::string text_behind_shown(bool is_end);

    const Tokenizer& m_tokenizer;
    // A window: the ids shown last, since leading spaces depend on what stands in front, and the
    // new ones.
    std::vector<int32_t> m_window;
    size_t m_shown_ids = 0;
};

}  // namespace dayrun::core
