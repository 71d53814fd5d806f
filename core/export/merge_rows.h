// The arithmetic of a merge on one weight matrix in float32. Neighbour: merge.cpp. Any thread.
#pragma once

#include <cstdint>
#include <span>

namespace dayrun::core {

/// One module's factors in float32, row-major.
struct MergeFactors {
    std::span<const float> a;          // [rank, in]
    std::span<const float> b;          // [out, rank]
    std::span<const float> magnitude;  // [out] for DoRA, else empty
    int64_t rank = 0;
    int64_t in_features = 0;
    float scaling = 1;
};

/// w [out, in] becomes w + scaling * b a for the rows [begin, end), each row then scaled to the
/// length magnitude[row] with DoRA. Rows are independent: threads may share a matrix by rows.
void merge_rows(std::span<float> w, const MergeFactors& factors, int64_t begin, int64_t end);

}  // namespace dayrun::core
