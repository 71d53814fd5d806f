// What the model really sees of one sample or packed row: every id with its text, the template part
// it belongs to, and whether it is trained. Neighbours: encode.cpp, token_cache (a row is shown
// from the very bytes the trainer reads). Plain functions: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/compile/packing/packed.h"
#include "core/recipe/recipe.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

struct LensToken {
    int32_t id = 0;
    std::string piece;  // "▁the", "<0x0A>"
    std::string part;   // "bos", "template", "instruction", "input", "response", "stop", …
    bool is_trained = false;
    int32_t document = 0;  // of a packed row, from 0
    int32_t position = 0;  // inside its document
};

struct LensView {
    std::vector<LensToken> tokens;
    int64_t trained_tokens = 0;    // supervised next tokens
    int64_t truncated_tokens = 0;  // cut off behind (or before) what is shown
    bool lost_stop_token = false;
    int64_t bos_count = 0;        // must be 1 (0 for a tokenizer that adds none)
    std::string dropped_because;  // not empty: this sample is left out, shown whole
};

/// A sample as recipe.data[sample.source_index] encodes it. `tokenizer` may be null for token_ids.
Result<LensView> token_lens(const Sample& sample, const Recipe& recipe, const Tokenizer* tokenizer);

/// A packed row as the trainer reads it; parts are told by trained and masked alone.
LensView token_lens(const PackedRow& row, const Tokenizer* tokenizer);

}  // namespace dayrun::core
