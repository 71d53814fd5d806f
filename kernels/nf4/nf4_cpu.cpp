// The fast CPU version of nf4.h: blocks (to quantize) and rows (to dequantize) in parallel,
// vector code in nf4_rows.inc.
#include "kernels/nf4/nf4.h"

#include <atomic>

#include "kernels/blockwise8/blockwise8.h"
#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/nf4/nf4_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

Nf4Outcome nf4_quantize(const Nf4Quantize& p) {
    std::atomic<bool> finite{true};
    with_dtype(p.dtype, [&](auto element) {
        const auto blocks = DAYRUN_SIMD_CALL(quantize_blocks<decltype(element)>);
        parallel_for(nf4_block_count(p.count, p.block_size),
                     grain_for(p.block_size * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) {
                         if (!blocks(p, begin, end)) finite.store(false);
                     });
    });
    return finite.load() ? Nf4Outcome::Done : Nf4Outcome::NotFinite;
}

void nf4_nested_quantize(const Nf4NestedQuantize& p) {
    double sum = 0.0;
    for (int64_t i = 0; i < p.block_count; ++i) sum += p.absmax[i];
    const float offset =
        p.block_count > 0 ? static_cast<float>(sum / static_cast<double>(p.block_count)) : 0.0f;
    *p.absmax_offset = offset;
    std::vector<float> centred(p.absmax, p.absmax + p.block_count);
    for (float& value : centred) value -= offset;
    Blockwise8Quantize quantize;
    quantize.codes = p.absmax_codes;
    quantize.absmax = p.nested_absmax;
    quantize.values = centred.data();
    quantize.count = p.block_count;
    quantize.block_size = kNf4NestedBlockSize;
    blockwise8_quantize(quantize);
}

void nf4_dequantize(const Nf4Dequantize& p) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.nf4_dequantize, p);
    }
    const int64_t cols = p.weight.cols;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        const auto elements = DAYRUN_SIMD_CALL(dequantize_elements<T>);
        parallel_for(p.row_end - p.row_begin, grain_for(cols * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) {
                         elements(p.weight, (p.row_begin + begin) * cols,
                                  (p.row_begin + end) * cols,
                                  static_cast<T*>(p.out) + begin * cols);
                     });
    });
}

}  // namespace dayrun::kernels
