// Sums over the threads of a warp or a block, always in the same tree, so a result has the same
// bits in every run.
// Neighbour: block.h. Device code, and emulated on the host.
#pragma once

#include "kernels/device/block.h"

namespace dayrun::kernels {

constexpr int kWarp = 32;

/// Combines the values of `kLanes` neighbouring lanes (a power of two); all of them get the result.
template <int kLanes = kWarp, class T, class Combine>
DAYRUN_DEVICE T reduce_lanes(const Block& block, T value, Combine&& combine) {
    DAYRUN_UNROLL
    for (int mask = kLanes / 2; mask > 0; mask /= 2) {
        value = combine(value, block.shuffle_xor(value, mask));
    }
    return value;
}

/// Combines the values of all threads; all get the result. `slots` is shared memory with one place
/// per warp; it may be used again at once.
template <int kThreads, class T, class Combine>
DAYRUN_DEVICE T reduce_block(const Block& block, T (&slots)[kThreads / kWarp], T value,
                             Combine&& combine) {
    constexpr int kWarps = kThreads / kWarp;
    static_assert((kWarps & (kWarps - 1)) == 0, "the tree needs a power of two");
    value = reduce_lanes(block, value, combine);
    if (block.thread() % kWarp == 0) slots[block.thread() / kWarp] = value;
    block.barrier();
    value = slots[block.thread() % kWarps];
    value = reduce_lanes<kWarps>(block, value, combine);
    block.barrier();
    return value;
}

template <class T>
struct Sum {
    DAYRUN_DEVICE T operator()(T a, T b) const { return a + b; }
};

}  // namespace dayrun::kernels
