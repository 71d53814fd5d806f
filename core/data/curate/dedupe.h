// Exact duplicates by hash, over all sources of a recipe; near duplicates by MinHash. Works on the
// hashes that the token caches keep, so that changing the mode reads no file again. Any thread.
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

/// A row of a source by its hash.
struct DedupeRow {
    uint64_t hash = 0;
    uint32_t source_index = 0;
    uint32_t row = 0;
};

/// The rows whose hash came before, in the order given: the first one stays.
std::vector<DedupeRow> find_duplicates(std::span<const DedupeRow> rows);

}  // namespace dayrun::core
