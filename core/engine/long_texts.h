// Qwen 1 beyond the length it was trained with, when it does not train: every text has the rotary
// base and the query factors of its own length (rope_table.h), so such a text goes through the
// decoder alone. Training never does this. Source: facts of the checkpoint formats, QWen 1.
// Neighbours: decoder/ takes the parts, decoder_engine.cpp and logprobs.cpp ask. Any thread;
// torch-free.
#pragma once

#include <vector>

#include "core/compile/packing/packed.h"
#include "core/model/model_config.h"

namespace dayrun::engine {

/// Whether a text of this length is turned by its own length when it is scored.
bool has_own_rope(const core::ModelConfig& config, int64_t length);

/// The batch's documents as batches of one each, in order, when one of them has_own_rope(); else
/// nothing: the batch goes as it is.
std::vector<core::PackedBatch> own_rope_parts(const core::ModelConfig& config,
                                              const core::PackedBatch& batch);

/// Calls body(const core::PackedBatch&) for each part, or for the batch itself.
template <class Body>
void for_each_part(const core::ModelConfig& config, const core::PackedBatch& batch, Body&& body) {
    const std::vector<core::PackedBatch> parts = own_rope_parts(config, batch);
    if (parts.empty()) body(batch);
    for (const core::PackedBatch& part : parts) body(part);
}

}  // namespace dayrun::engine
