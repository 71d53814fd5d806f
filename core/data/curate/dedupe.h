// Exact duplicates by hash, over all sources of a recipe. Works on the hashes that the token caches
// keep, so that changing the mode reads no file again. Neighbour: near_dedupe.h. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data/sample.h"

namespace dayrun::core {

/// What `mix.dedupe: input` compares: the input, or the instruction of a sample without input, or
/// the text, exact to the character; for finished ids the ids.
uint64_t input_hash(const Sample& sample);
/// What `mix.dedupe: all` compares: every turn with its role, or the text, or ids and labels.
uint64_t full_hash(const Sample& sample);

/// A row whose hash an earlier one has, by positions in the list given.
struct Repeat {
    uint32_t row = 0;
    uint32_t first = 0;  // which stays
};

std::vector<Repeat> find_repeats(std::span<const uint64_t> hashes);

}  // namespace dayrun::core
