// The device body of gather_rows.h; gather_rows.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/device/row_tiles.h"
#include "kernels/gather_rows/gather_rows.h"

namespace dayrun::kernels {

template <class T, int kPack>
struct GatherRowsBody : RowTilesBody<GatherRows, kPack> {
    using RowTilesBody<GatherRows, kPack>::p;  // strides filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        const int64_t source = p.source[at.row];
        Pack<T, kPack> values = {};
        if (source >= 0) {
            const T* from = static_cast<const T*>(p.from) + source * p.from_stride;
            values = load_pack<kPack>(from + at.col, at.count);
        }
        store_pack(static_cast<T*>(p.out) + at.row * p.out_stride + at.col, values, at.count);
    }
};

}  // namespace dayrun::kernels
