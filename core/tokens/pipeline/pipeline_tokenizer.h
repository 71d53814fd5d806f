// A Tokenizer put together from parts: added tokens, normalizer, pre-tokenizer, BPE, decoder.
// Any thread. Neighbours: tokenizer_json.cpp and tiktoken_tokenizer.cpp read the parts from files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/tokens/bpe/bpe_model.h"
#include "core/tokens/pipeline/added_tokens.h"
#include "core/tokens/pipeline/normalizer.h"
#include "core/tokens/pipeline/pre_tokenizer.h"
#include "core/tokens/pipeline/token_decoder.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

struct PipelineParts {
    std::vector<AddedToken> added_tokens;
    Normalizer normalizer;
    PreTokenizer pre_tokenizer;
    BpeVocab vocab;
    // Tokens that no text gives but ids may name.
    std::vector<std::pair<int32_t, std::string>> decode_only;
    TokenDecoder decoder;
    std::vector<int32_t> prefix, suffix;  // what AddAndRecognise puts around a text
    std::optional<int32_t> bos_id, eos_id;
    std::string fingerprint;
};

std::unique_ptr<Tokenizer> make_pipeline_tokenizer(PipelineParts parts);

}  // namespace dayrun::core
