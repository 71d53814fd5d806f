// NF4 weights back to bfloat16 or float32 on a device (nf4.h has the format).
// Shapes: rows [row_begin, row_end) of a weight [rows, cols]; 4,096 x 14,336 is one of
// Llama-3.1-8B. Bytes moved per element: half a byte of codes, 0.0625 of absmax (0.0164 nested),
// and the output's 2 or 4: 2.56 for bfloat16 from plain constants. Why so: the output is four
// fifths of the bytes, so a thread has eight elements: 4 bytes of codes and one store of 16. The
// table is in registers (nf4_lookup.h): a shuffle per element would be enough too, but needs whole
// warps, and shared memory its barrier. Eight elements have one absmax.
#include "kernels/nf4/nf4_body.h"

namespace dayrun::kernels {
namespace {

// ---- device code: nf4_body.h ---------------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

/// -1 when `size` is no power of two.
int log2_of(int64_t size) {
    int shift = 0;
    while ((int64_t{1} << shift) < size) ++shift;
    return (int64_t{1} << shift) == size ? shift : -1;
}

template <class T, bool kIsWhole>
DeviceStatus launch_dequantize(const Nf4Dequantize& p, DeviceStream stream) {
    using Body = Nf4DequantizeBody<T, kIsWhole>;
    Body body;
    body.p = p;
    body.planes = Nf4Planes::of(kNf4Values);
    body.block_shift = log2_of(p.weight.block_size);
    body.nested_shift = log2_of(p.weight.nested_block_size);
    body.begin = p.row_begin * p.weight.cols;
    body.end = p.row_end * p.weight.cols;
    if (body.block_shift < 3) return kDeviceInvalidValue;
    const int64_t runs = pieces(body.end, Body::kRun) - body.begin / Body::kRun;
    return launch(body, pieces(runs, Body::kThreads), stream);
}

}  // namespace

DeviceStatus launch_nf4_dequantize(const Nf4Dequantize& p, DeviceStream stream) {
    if (p.row_begin >= p.row_end || p.weight.cols == 0) return kDeviceSuccess;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        const bool is_whole = p.row_begin * p.weight.cols % 8 == 0 &&
                              packs_fit(pack_size<T>(), {{p.out, sizeof(T), 0}}) &&
                              packs_fit(4, {{p.weight.codes, 1, 0}});
        status = is_whole ? launch_dequantize<T, true>(p, stream)
                          : launch_dequantize<T, false>(p, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
