// Generation: greedy, or sampled by temperature, top-k and top-p with a seeded generator.
// Neighbours: decoder/cached.cpp, loss.h (the head). Lives on the run thread; torch-free.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/rng.h"
#include "core/engine/decoder/decoder.h"
#include "core/engine/engine.h"
#include "core/engine/loss.h"

namespace dayrun::engine {

/// The next id from float32 logits: the highest (the lowest id of equals) at temperature 0, else
/// drawn from softmax(logits / temperature) cut to top_k, then to the fewest ids that hold top_p.
int32_t choose_token(const std::vector<float>& logits, const core::GenerateOptions& options,
                     core::Rng& rng);

/// New ids after each prompt of at least one id. Up to kernels::kFewRows texts are decoded side by
/// side, and a text that ends makes room for the next; none of it changes what a text becomes.
/// NotFinite when the model gives a logit that is not a number.
core::Result<std::vector<std::vector<int32_t>>> generate_texts(
    Decoder& decoder, LossHead& head, const std::vector<core::GenerateRequest>& requests);

}  // namespace dayrun::engine
