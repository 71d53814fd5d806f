// Rows by index on a device (gather_rows.h has the meaning).
// Shapes: out [rows, cols], rows the trained tokens of a micro-batch or all of them.
// Bytes moved: 2 * rows * cols elements of T, half of it where rows are zero.
// Why so: a copy; one pack of 16 bytes per thread, and a row's index is one cached load per block.
#include "kernels/gather_rows/gather_rows_body.h"

namespace dayrun::kernels {

// ---- device code: gather_rows_body.h -------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_gather_rows(const GatherRows& params, DeviceStream stream) {
    GatherRows p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    if (p.from_stride == 0) p.from_stride = p.cols;
    const int64_t bytes = element_bytes(p.dtype);
    return launch_packed_rows<GatherRowsBody>(
        p, p.dtype, {p.rows, p.cols},
        {{p.out, bytes, p.out_stride}, {p.from, bytes, p.from_stride}}, stream);
}

}  // namespace dayrun::kernels
