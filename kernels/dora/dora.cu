// DoRA's own arithmetic on a device (dora.h has the formulas).
// Shapes: norms over weight [rows, cols] in float32, the others [tokens, cols] with cols the
// outputs of a linear module. Bytes moved: norms 4 * rows * cols; elements of T: forward 4 * tokens
// * cols (3 when base is out), scale 2 * tokens * cols, magnitude 3 * tokens * cols. Why so: a warp
// per row of the weight; packs of 16 bytes for the elementwise parts; the gradient of the magnitude
// sums down the columns in a fixed order (column_sums.h).
#include "kernels/dora/dora_body.h"

namespace dayrun::kernels {

// ---- device code: dora_body.h --------------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_dora_norms(const DoraNorms& p, DeviceStream stream) {
    if (!is_row_length(p.cols)) return kDeviceInvalidValue;
    const DoraNormsBody body{p, packs_fit(4, {{p.weight, sizeof(float), p.cols}})};
    return launch(body, pieces(p.rows, DoraNormsBody::kThreads / kWarp), stream);
}

DeviceStatus launch_dora_forward(const DoraForward& params, DeviceStream stream) {
    const DoraForward p = with_dense_strides(params);
    const int64_t bytes = element_bytes(p.dtype);
    return launch_packed_rows<DoraForwardBody>(p, p.dtype, {p.tokens, p.cols},
                                               {{p.out, bytes, p.out_stride},
                                                {p.base, bytes, p.base_stride},
                                                {p.lora, bytes, p.lora_stride},
                                                {p.scale, sizeof(float), 0},
                                                {p.bias, bytes, 0}},
                                               stream);
}

DeviceStatus launch_dora_scale(const DoraScale& params, DeviceStream stream) {
    const DoraScale p = with_dense_strides(params);
    const int64_t bytes = element_bytes(p.dtype);
    return launch_packed_rows<DoraScaleBody>(
        p, p.dtype, {p.tokens, p.cols},
        {{p.out, bytes, p.out_stride}, {p.dy, bytes, p.dy_stride}, {p.scale, sizeof(float), 0}},
        stream);
}

DeviceStatus launch_dora_magnitude(const DoraMagnitude& params, DeviceStream stream) {
    const DoraMagnitude p = with_dense_strides(params);
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        const DoraMagnitudeGradient<decltype(element)> source{p};
        status = launch_column_sums(source, p.dmagnitude, p.tokens, p.cols, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
