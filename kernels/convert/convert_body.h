// The device body of convert.h; convert.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/convert/convert.h"
#include "kernels/device/row_tiles.h"

namespace dayrun::kernels {

/// Rows of X become, or are added to, rows of T.
template <class X>
struct ConvertFrom {
    template <class T, int kPack>
    struct Body : RowTilesBody<ConvertRows, kPack> {
        using RowTilesBody<ConvertRows, kPack>::p;  // strides filled in

        DAYRUN_DEVICE void operator()(Block& block) const {
            const PackPlace at = this->tiles.place(block);
            if (at.count <= 0) return;
            const X* x = static_cast<const X*>(p.x) + at.row * p.x_stride + at.col;
            T* to = static_cast<T*>(p.out) + at.row * p.out_stride + at.col;
            const Pack<X, kPack> from = load_pack<kPack>(x, at.count);
            Pack<T, kPack> out = {};
            if (p.adds) out = load_pack<kPack>(to, at.count);
            DAYRUN_UNROLL
            for (int i = 0; i < kPack; ++i) {
                const float value = to_float(from.at[i]);
                out.at[i] = rounded<T>(p.adds ? to_float(out.at[i]) + value : value);
            }
            store_pack(to, out, at.count);
        }
    };
};

}  // namespace dayrun::kernels
