// Learns the sentencepiece vocabulary of the base model from its own texts. Beside it: main.cpp.
#pragma once

#include <string>
#include <vector>

namespace dayrun::sample_generator {

// The bytes of a tokenizer.model with `size` pieces: BPE with byte fallback, <unk> 0, <s> 1, </s>
// 2, digits split, no normalization, as Llama's. Returns an empty string and fills `error` on
// failure.
std::string learn_vocabulary(const std::vector<std::string>& documents, int size,
                             std::string& error);

}  // namespace dayrun::sample_generator
