// SwiGLU on a device (swiglu.h has the formulas).
// Shapes: [rows, cols], rows tokens, cols the intermediate size (11,008 to 28,672); gate and up may
// be halves of one buffer.
// Bytes moved, elements of T: forward 3 * rows * cols, backward 5, and 6 when it makes `out` again.
// Why so: one pack of 16 bytes per thread and operand. With every warp of an SM loaded that is
// 64 KiB in flight or more, four times what hides the memory's latency, so nothing is unrolled.
#include "kernels/swiglu/swiglu_body.h"

namespace dayrun::kernels {

// ---- device code: swiglu_body.h ------------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_swiglu_forward(const SwigluForward& params, DeviceStream stream) {
    SwigluForward p = params;
    for (int64_t* stride : {&p.out_stride, &p.gate_stride, &p.up_stride}) {
        if (*stride == 0) *stride = p.cols;
    }
    const int64_t bytes = element_bytes(p.dtype);
    return launch_packed_rows<SwigluForwardBody>(
        p, p.dtype, {p.rows, p.cols},
        {{p.out, bytes, p.out_stride}, {p.gate, bytes, p.gate_stride}, {p.up, bytes, p.up_stride}},
        stream);
}

DeviceStatus launch_swiglu_backward(const SwigluBackward& params, DeviceStream stream) {
    SwigluBackward p = params;
    for (int64_t* stride : {&p.gate_stride, &p.up_stride, &p.out_stride, &p.dout_stride}) {
        if (*stride == 0) *stride = p.cols;
    }
    const int64_t bytes = element_bytes(p.dtype);
    return launch_packed_rows<SwigluBackwardBody>(p, p.dtype, {p.rows, p.cols},
                                                  {{p.gate, bytes, p.gate_stride},
                                                   {p.up, bytes, p.up_stride},
                                                   {p.out, bytes, p.out_stride},
                                                   {p.dout, bytes, p.dout_stride}},
                                                  stream);
}

}  // namespace dayrun::kernels
