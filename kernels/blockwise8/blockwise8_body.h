// The device body of blockwise8.h; blockwise8.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/blockwise8/blockwise8.h"
#include "kernels/device/code_search.h"
#include "kernels/device/launch.h"
#include "kernels/device/reduce.h"

namespace dayrun::kernels {

/// A thread block has one block of values, whatever its size.
struct Blockwise8Body {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    struct Shared {
        CodeTable table;
        float slots[kThreads / kWarp];
    };
    Blockwise8Quantize p;
    const float* offset;  // optional [1]: taken off every value
    CodeTable table;

    DAYRUN_DEVICE void operator()(Block& block) const {
        Shared& shared = block.shared<Shared>();
        shared.table.copy_entry(table, block.thread());
        const float shift = offset != nullptr ? *offset : 0.0f;
        const int64_t begin = block.index() * p.block_size;
        const int64_t limit = begin + p.block_size;
        const int64_t end = limit < p.count ? limit : p.count;
        float top = 0.0f;
        for (int64_t i = begin + block.thread(); i < end; i += kThreads) {
            top = fmaxf(top, fabsf(p.values[i] - shift));
        }
        // Its barriers also let everybody see the table.
        top = reduce_block<kThreads>(block, shared.slots, top,
                                     [](float a, float b) { return fmaxf(a, b); });
        if (block.thread() == 0) p.absmax[block.index()] = top;
        const float inverse = top > 0.0f ? 1.0f / top : 0.0f;
        for (int64_t i = begin + block.thread(); i < end; i += kThreads) {
            p.codes[i] = shared.table.nearest((p.values[i] - shift) * inverse);
        }
    }
};

/// With `offset` (on the device, or null) taken off every value first.
DeviceStatus launch_blockwise8(const Blockwise8Quantize& params, const float* offset,
                               DeviceStream stream);

}  // namespace dayrun::kernels
