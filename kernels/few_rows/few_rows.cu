// The product of few rows with a weight on a device (few_rows.h has the formula).
// Shapes: x [1 to 16, inner], w [cols, inner], inner and cols 1,024 to 28,672.
// Bytes moved: w once per sixteen rows of x; x and out are small and stay in the caches.
// Why so: generation reads every weight once for a few rows, so the memory decides. A warp sums one
// element of each row over all of inner, lanes then tree, the same way for one row and for sixteen:
// a text gets the same bits alone and in a batch, which a library's product does not promise.
#include "kernels/few_rows/few_rows_body.h"

namespace dayrun::kernels {
namespace {

// ---- device code: few_rows_body.h ----------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

template <class T, int kPack>
DeviceStatus launch_rows(const FewRowsProduct& p, DeviceStream stream) {
    const auto start = [&](auto body) {
        body.p = p;
        return launch(body, body.block_count(), stream);
    };
    if (p.rows <= 1) return start(FewRowsBody<T, kPack, 1>());
    if (p.rows <= 4) return start(FewRowsBody<T, kPack, 4>());
    return start(FewRowsBody<T, kPack, 16>());
}

}  // namespace

DeviceStatus launch_few_rows_product(const FewRowsProduct& params, DeviceStream stream) {
    FewRowsProduct p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    if (p.x_stride == 0) p.x_stride = p.inner;
    if (p.w_stride == 0) p.w_stride = p.inner;
    if (!is_row_length(p.inner)) return kDeviceInvalidValue;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        const bool has_packs =
            packs_fit(kPack, {{p.x, sizeof(T), p.x_stride}, {p.w, sizeof(T), p.w_stride}});
        status = has_packs ? launch_rows<T, kPack>(p, stream) : launch_rows<T, 1>(p, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
