// SwiGLU on a device (swiglu.h has the formulas).
// Shapes: [rows, cols], rows tokens, cols the intermediate size (11,008 to 28,672); gate and up may
// be halves of one buffer.
// Bytes moved, elements of T: forward 3 * rows * cols, backward 5, and 6 when it makes `out` again.
// Why so: one pack of 16 bytes per thread and operand. With every warp of an SM loaded that is
// 64 KiB in flight or more, four times what hides the memory's latency, so nothing is unrolled.
#include "kernels/swiglu/swiglu_body.h"

namespace dayrun::kernels {
namespace {

// ---- device code: swiglu_body.h ------------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

template <class Body, class Params>
DeviceStatus launch_tiles(const Params& p, DeviceStream stream) {
    Body body;
    body.p = p;
    body.tiles = decltype(body.tiles)::of(p.rows, p.cols);
    return launch(body, body.tiles.block_count(), stream);
}

}  // namespace

DeviceStatus launch_swiglu_forward(const SwigluForward& params, DeviceStream stream) {
    SwigluForward p = params;
    for (int64_t* stride : {&p.out_stride, &p.gate_stride, &p.up_stride}) {
        if (*stride == 0) *stride = p.cols;
    }
    if (!is_row_length(p.cols)) return kDeviceInvalidValue;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        const bool has_packs = packs_fit(kPack, {{p.out, sizeof(T), p.out_stride},
                                                 {p.gate, sizeof(T), p.gate_stride},
                                                 {p.up, sizeof(T), p.up_stride}});
        status = has_packs ? launch_tiles<SwigluForwardBody<T, kPack>>(p, stream)
                           : launch_tiles<SwigluForwardBody<T, 1>>(p, stream);
    });
    return status;
}

DeviceStatus launch_swiglu_backward(const SwigluBackward& params, DeviceStream stream) {
    SwigluBackward p = params;
    for (int64_t* stride : {&p.gate_stride, &p.up_stride, &p.out_stride, &p.dout_stride}) {
        if (*stride == 0) *stride = p.cols;
    }
    if (!is_row_length(p.cols)) return kDeviceInvalidValue;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        const bool has_packs = packs_fit(kPack, {{p.gate, sizeof(T), p.gate_stride},
                                                 {p.up, sizeof(T), p.up_stride},
                                                 {p.out, sizeof(T), p.out_stride},
                                                 {p.dout, sizeof(T), p.dout_stride}});
        status = has_packs ? launch_tiles<SwigluBackwardBody<T, kPack>>(p, stream)
                           : launch_tiles<SwigluBackwardBody<T, 1>>(p, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
