// The device body of neftune.h; neftune.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/device/row_tiles.h"
#include "kernels/neftune/neftune.h"

namespace dayrun::kernels {

template <class T, int kPack>
struct NeftuneBody : RowTilesBody<Neftune, kPack> {
    using RowTilesBody<Neftune, kPack>::p;  // stride filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        T* x = static_cast<T*>(p.x) + at.row * p.stride + at.col;
        const int64_t index = at.row * p.cols + at.col;
        const float scale = p.scale[at.row];
        Pack<T, kPack> values = load_pack<kPack>(x, at.count);
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float noise = 2.0f * unit_float(random_word(p.stream, index + i)) - 1.0f;
            values.at[i] = rounded<T>(to_float(values.at[i]) + noise * scale);
        }
        store_pack(x, values, at.count);
    }
};

}  // namespace dayrun::kernels
