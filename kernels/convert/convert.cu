// Rows from one number format to another on a device (convert.h has the meaning).
// Shapes: [rows, cols], rows tokens or a weight's rows.
// Bytes moved: the elements of both sides, out's twice when it adds.
// Why so: a copy with a conversion; a thread has a pack of 16 bytes of out and the same elements of
// x, which are 8, 16 or 32 bytes.
#include "kernels/convert/convert_body.h"

namespace dayrun::kernels {

// ---- device code: convert_body.h -----------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_convert_rows(const ConvertRows& params, DeviceStream stream) {
    ConvertRows p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    if (p.x_stride == 0) p.x_stride = p.cols;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.x_dtype, [&](auto from) {
        status = launch_packed_rows<ConvertFrom<decltype(from)>::template Body>(
            p, p.out_dtype, {p.rows, p.cols},
            {{p.out, element_bytes(p.out_dtype), p.out_stride},
             {p.x, element_bytes(p.x_dtype), p.x_stride}},
            stream);
    });
    return status;
}

}  // namespace dayrun::kernels
