// RMSNorm on a device (rms_norm.h has the formulas).
// Shapes: rows = tokens * heads of cols elements; cols is the hidden size (2,048 to 8,192), or a
// head of 64 to 256 for query and key norms.
// Bytes moved, elements of T: forward (2 + residual + h) * rows * cols; backward
// (3 + dresidual) * rows * cols; dweight, which only full training asks for, 2 * rows * cols more.
// Why so: both directions need a sum over the row before the first element can be written, so what
// decides is that the row is read from memory once. With 4 packs of 16 bytes per thread, 256
// threads keep a row of 8,192 bfloat16 in registers; longer rows come again from the second-level
// cache. Rows up to 1,024 elements are a warp's and those up to 128 half a warp's: no barrier,
// eight or sixteen rows per block, and no lane without a pack. dweight sums down the columns in a
// fixed order in its own kernel, first, since dx may lie on dy.
#include "kernels/rms_norm/rms_norm_body.h"

namespace dayrun::kernels {
namespace {

// ---- device code: rms_norm_body.h ----------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

template <class Body, class Params>
DeviceStatus launch_rows(const Params& p, DeviceStream stream) {
    Body body;
    body.p = p;
    return launch(body, pieces(p.tokens * p.heads, Body::kRowsPerBlock), stream);
}

/// Body<T, W, team, pack, kept> for these parameters; `has_packs` says that all rows are aligned
/// for it. Half a warp keeps a head of 128 in one pack a thread, a warp one of 256; a block keeps
/// 4,096 in two.
template <template <class, class, int, int, int> class Body, class Params>
DeviceStatus launch_teams(const Params& p, bool has_packs, DeviceStream stream) {
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        with_dtype(p.weight_dtype, [&](auto weight) {
            using W = decltype(weight);
            if (!has_packs) {
                status = launch_rows<Body<T, W, kRmsNormThreads, 1, 4>>(p, stream);
            } else if (p.cols <= kWarp / 2 * kPack) {
                status = launch_rows<Body<T, W, kWarp / 2, kPack, 1>>(p, stream);
            } else if (p.cols <= kWarp * kPack) {
                status = launch_rows<Body<T, W, kWarp, kPack, 1>>(p, stream);
            } else if (p.cols <= 4 * kWarp * kPack) {
                status = launch_rows<Body<T, W, kWarp, kPack, 4>>(p, stream);
            } else if (p.cols <= 2 * kRmsNormThreads * kPack) {
                status = launch_rows<Body<T, W, kRmsNormThreads, kPack, 2>>(p, stream);
            } else {
                status = launch_rows<Body<T, W, kRmsNormThreads, kPack, 4>>(p, stream);
            }
        });
    });
    return status;
}

/// Rows of T begin at multiples of the stride, and of cols when there are heads.
bool are_packed(Dtype dtype, int64_t heads, int64_t cols,
                std::initializer_list<PackedOperand> all) {
    const int pack = static_cast<int>(kPackBytes / element_bytes(dtype));
    return packs_fit(pack, all) && (heads == 1 || cols % pack == 0);
}

}  // namespace

DeviceStatus launch_rms_norm_forward(const RmsNormForward& params, DeviceStream stream) {
    const RmsNormForward p = with_dense_strides(params);
    if (!is_row_length(p.cols)) return kDeviceInvalidValue;
    const int64_t bytes = element_bytes(p.dtype);
    const bool has_packs = are_packed(p.dtype, p.heads, p.cols,
                                      {{p.x, bytes, p.x_stride},
                                       {p.y, bytes, p.y_stride},
                                       {p.h, bytes, p.h_stride},
                                       {p.residual, bytes, p.residual_stride},
                                       {p.weight, element_bytes(p.weight_dtype), 0}});
    return launch_teams<RmsNormForwardBody>(p, has_packs, stream);
}

DeviceStatus launch_rms_norm_backward(const RmsNormBackward& params, DeviceStream stream) {
    const RmsNormBackward p = with_dense_strides(params);
    if (!is_row_length(p.cols)) return kDeviceInvalidValue;
    if (p.dweight != nullptr) {
        DeviceStatus status = kDeviceSuccess;
        with_dtype(p.dtype, [&](auto element) {
            const RmsNormWeightGradient<decltype(element)> source{p};
            status = launch_column_sums(source, p.dweight, p.tokens * p.heads, p.cols, stream);
        });
        if (status != kDeviceSuccess) return status;
    }
    const int64_t bytes = element_bytes(p.dtype);
    const bool has_packs = are_packed(p.dtype, p.heads, p.cols,
                                      {{p.x, bytes, p.x_stride},
                                       {p.dy, bytes, p.dy_stride},
                                       {p.dx, bytes, p.dx_stride},
                                       {p.dresidual, bytes, p.dresidual_stride},
                                       {p.weight, element_bytes(p.weight_dtype), 0}});
    return launch_teams<RmsNormBackwardBody>(p, has_packs, stream);
}

}  // namespace dayrun::kernels
