// The device bodies of bias.h; bias.cu says what they move and why they are cut so.
#pragma once

#include "kernels/bias/bias.h"
#include "kernels/device/column_sums.h"
#include "kernels/device/row_tiles.h"

namespace dayrun::kernels {

template <class T, int kPack>
struct BiasFillBody : RowTilesBody<BiasFill, kPack> {
    using RowTilesBody<BiasFill, kPack>::p;  // stride filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        const auto values = load_pack<kPack>(static_cast<const T*>(p.bias) + at.col, at.count);
        store_pack(static_cast<T*>(p.y) + at.row * p.y_stride + at.col, values, at.count);
    }
};

/// The addends of dbias, for ColumnSumsBody.
template <class T>
struct BiasGradient {
    const T* dy;
    int64_t stride;

    DAYRUN_DEVICE float add_to(float sum, int64_t row, int64_t col) const {
        return sum + to_float(dy[row * stride + col]);
    }
    DAYRUN_DEVICE float finish(float total, int64_t) const { return total; }
};

}  // namespace dayrun::kernels
