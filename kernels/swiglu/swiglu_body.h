// The device bodies of swiglu.h; swiglu.cu says what they move and why they are cut so.
#pragma once

#include "kernels/device/row_tiles.h"
#include "kernels/swiglu/swiglu.h"

namespace dayrun::kernels {

DAYRUN_DEVICE float swiglu_sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}

/// One expression for both directions, so that a recomputed `out` has the forward's bits.
DAYRUN_DEVICE float swiglu_activated(float gate, float up, float share) {
    return (gate * share) * up;
}

template <class T, int kPack>
struct SwigluForwardBody : RowTilesBody<SwigluForward, kPack> {
    using RowTilesBody<SwigluForward, kPack>::p;  // strides filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        const T* gate = static_cast<const T*>(p.gate) + at.row * p.gate_stride + at.col;
        const T* up = static_cast<const T*>(p.up) + at.row * p.up_stride + at.col;
        const Pack<T, kPack> g = load_pack<kPack>(gate, at.count);
        const Pack<T, kPack> u = load_pack<kPack>(up, at.count);
        Pack<T, kPack> out;
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float value = to_float(g.at[i]);
            out.at[i] =
                rounded<T>(swiglu_activated(value, to_float(u.at[i]), swiglu_sigmoid(value)));
        }
        store_pack(static_cast<T*>(p.out) + at.row * p.out_stride + at.col, out, at.count);
    }
};

template <class T, int kPack>
struct SwigluBackwardBody : RowTilesBody<SwigluBackward, kPack> {
    using RowTilesBody<SwigluBackward, kPack>::p;  // strides filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        T* gate = static_cast<T*>(p.gate) + at.row * p.gate_stride + at.col;
        T* up = static_cast<T*>(p.up) + at.row * p.up_stride + at.col;
        const T* dout = static_cast<const T*>(p.dout) + at.row * p.dout_stride + at.col;
        Pack<T, kPack> g = load_pack<kPack>(gate, at.count);
        Pack<T, kPack> u = load_pack<kPack>(up, at.count);
        Pack<T, kPack> d = load_pack<kPack>(dout, at.count);
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float gate_value = to_float(g.at[i]);
            const float up_value = to_float(u.at[i]);
            const float gradient = to_float(d.at[i]);
            const float share = swiglu_sigmoid(gate_value);
            const float slope = share * fmaf(gate_value, 1.0f - share, 1.0f);
            g.at[i] = rounded<T>(gradient * up_value * slope);
            u.at[i] = rounded<T>(gradient * (gate_value * share));
            d.at[i] = rounded<T>(swiglu_activated(gate_value, up_value, share));
        }
        store_pack(gate, g, at.count);
        store_pack(up, u, at.count);
        if (p.out == nullptr) return;
        store_pack(static_cast<T*>(p.out) + at.row * p.out_stride + at.col, d, at.count);
    }
};

}  // namespace dayrun::kernels
