// Our own encoder for sentencepiece models of the plain BPE kind (Llama, Mistral): the same ids as
// the library, many times faster. Any thread. Neighbour: sentencepiece_tokenizer.cpp, which keeps
// the library for every other kind of model, for decoding, and as the oracle of the tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokens/bpe/bpe_model.h"
#include "core/tokens/bpe/scratch_pool.h"

namespace dayrun::core {

class SpBpeEncoder {
  public:
    /// Reads a serialized ModelProto. Null when the model needs the library: unigram, a normalizer
    /// with rules, removed white space, user-defined or unused pieces, white space as a suffix.
    static std::unique_ptr<SpBpeEncoder> make(std::string_view model_proto);

    /// Appends the ids of a text. With `adds_prefix` as the model says (add_dummy_prefix), else
    /// without a dummy prefix.
    void append(std::string_view text, bool adds_prefix, std::vector<int32_t>& ids) const;

  private:
    struct Scratch {
        BpeScratch bpe;
        std::string normalized;
    };
    SpBpeEncoder(BpeVocab vocab, bool has_dummy_prefix);

    BpeModel m_model;
    bool m_has_dummy_prefix;
    bool m_splits_at_spaces;
    mutable ScratchPool<Scratch> m_scratches;
};

}  // namespace dayrun::core
