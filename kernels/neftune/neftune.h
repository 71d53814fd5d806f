// NEFTune: uniform noise on the embedding output, in training only.
//   x[t, c] += (2 u - 1) * scale[t],   u = unit_float(random_word(stream, t * cols + c))
// with scale = alpha / sqrt(L * H); the caller decides whether L is the row's or the sample's
// length. Float32 inside, rounded once.
// Neighbours: philox.h, core/engine/decoder. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"
#include "kernels/common/philox.h"

namespace dayrun::kernels {

struct Neftune {
    void* x = nullptr;             // in and out [tokens, cols] dtype
    const float* scale = nullptr;  // [tokens]: half the width of the noise
    RandomStream stream;
    Dtype dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t cols = 0;
    int64_t stride = 0;  // elements between tokens; 0 means cols
};

/// Bytes moved: 2 * tokens * cols elements.
void neftune_add(const Neftune& params);
void neftune_reference_add(const Neftune& params);

}  // namespace dayrun::kernels
