// The matrix products of one training step and nothing else, on memory of their own: what no
// arrangement of the rest can beat with these products. One thread.
#pragma once

#include "core/engine/decoder/decoder.h"

namespace dayrun {

/// CPU seconds of the products that a step on this batch needs: every projection's forward and
/// input gradient, the adapters' thin products, attention by blocks of queries below the diagonal,
/// and the head on the rows that have a target. Each distinct product is timed by itself as the
/// engine calls it, the best of three.
double products_floor_s(const engine::Decoder& decoder, const core::PackedBatch& batch);

}  // namespace dayrun
