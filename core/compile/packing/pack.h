// Documents into rows of at most max_seq_len tokens. Plain functions over lengths: any thread.
// Neighbours: data_compiler gives the shuffled order, batch_stream copies the tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dayrun::core {

/// First-fit in the given order: each document goes into the first row, in order of the rows'
/// opening, that still has room for it; where none has, it opens a new row at the end. Documents
/// keep the given order inside a row and are never cut; `row_length` must be at least every length.
/// O(n log n) by a tree of maxima over the rows' free room. Returns the documents of each row.
std::vector<std::vector<uint32_t>> pack_first_fit(std::span<const int32_t> lengths,
                                                  int64_t row_length);

/// Without packing: one document a row, in the given order.
std::vector<std::vector<uint32_t>> one_document_a_row(size_t document_count);

}  // namespace dayrun::core
