// Dropout with a counter-based mask: out = x * scale where the element is kept, else 0. The mask is
// a function of (stream, element index), so nothing is stored and the backward, a recomputed layer
// or a resumed run draws the same one.
// Element (r, c) has the index (first_row + r) * cols + c; it is kept when
// random_half(stream, index) >= threshold, threshold = round(p * 65536). The scale is
// 65536 / (65536 - threshold), so the mean is exact for the p that 16 bits can hold.
// Neighbours: philox.h, core/engine/linear. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"
#include "kernels/common/philox.h"

namespace dayrun::kernels {

enum class DropoutInto { Overwrite, Add };

struct Dropout {
    void* out = nullptr;      // out [rows, cols] dtype; may be x
    const void* x = nullptr;  // [rows, cols] dtype: the input, or in the backward its gradient
    RandomStream stream;
    float probability = 0.0f;  // p in [0, 0.9999]: the share of elements set to 0
    DropoutInto into = DropoutInto::Overwrite;
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t first_row = 0;   // the row of the whole micro-batch that row 0 is
    int64_t out_stride = 0;  // elements between rows; 0 means cols
    int64_t x_stride = 0;    // elements between rows; 0 means cols
};

/// The 16-bit threshold and the factor of kept elements for a probability.
struct DropoutRule {
    uint32_t threshold;
    float scale;
};
DAYRUN_HOST_DEVICE inline DropoutRule dropout_rule(float probability) {
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): never negative, and device code has no lround
    const uint32_t threshold = static_cast<uint32_t>(probability * 65536.0f + 0.5f);
    return {threshold, 65536.0f / static_cast<float>(65536u - threshold)};
}

/// Forward and backward alike (the mask is its own transpose). Bytes moved: 2 elements each.
void dropout_apply(const Dropout& params);
void dropout_reference_apply(const Dropout& params);

}  // namespace dayrun::kernels
