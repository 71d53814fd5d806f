// Plain loops: the definition of right for nf4.h. Every step is float32, because the stored codes
// depend on its roundings.
#include <algorithm>
#include <cmath>

#include "kernels/nf4/nf4.h"

namespace dayrun::kernels {
namespace {

template <class T>
Nf4Outcome quantize(const Nf4Quantize& p) {
    const T* weight = static_cast<const T*>(p.weight);
    std::fill(p.codes, p.codes + nf4_code_bytes(p.count), uint8_t{0});
    for (int64_t block = 0; block < nf4_block_count(p.count, p.block_size); ++block) {
        const int64_t begin = block * p.block_size;
        const int64_t end = std::min(p.count, begin + p.block_size);
        float absmax = 0.0f;
        for (int64_t i = begin; i < end; ++i) {
            if (!std::isfinite(to_float(weight[i]))) return Nf4Outcome::NotFinite;
            absmax = std::max(absmax, std::abs(to_float(weight[i])));
        }
        p.absmax[block] = absmax;
        const float inverse = 1.0f / absmax;
        // A zero fills the last byte of an odd count.
        for (int64_t i = begin; i < end + end % 2; ++i) {
            const float x = (i < end ? to_float(weight[i]) : 0.0f) * inverse;
            int code = 0;  // stays 0 in a block of zeros, where x is NaN
            while (code < 15 && x > kNf4Thresholds[code]) ++code;
            p.codes[i / 2] |= static_cast<uint8_t>(i % 2 == 0 ? code << 4 : code);
        }
    }
    return Nf4Outcome::Done;
}

float absmax_of(const Nf4Weight& w, int64_t block) {
    if (w.absmax != nullptr) return w.absmax[block];
    const float scaled =
        w.nested_map[w.absmax_codes[block]] * w.nested_absmax[block / w.nested_block_size];
    return scaled + w.absmax_offset;
}

template <class T>
void dequantize(const Nf4Dequantize& p) {
    const Nf4Weight& w = p.weight;
    T* out = static_cast<T*>(p.out);
    for (int64_t i = p.row_begin * w.cols; i < p.row_end * w.cols; ++i) {
        const uint8_t both = w.codes[i / 2];
        const int code = i % 2 == 0 ? both >> 4 : both & 15;
        *out++ = round_to<T>(kNf4Values[code] * absmax_of(w, i / w.block_size));
    }
}

}  // namespace

Nf4Outcome nf4_reference_quantize(const Nf4Quantize& params) {
    return params.dtype == Dtype::Float32 ? quantize<float>(params) : quantize<bfloat16>(params);
}

void nf4_reference_dequantize(const Nf4Dequantize& params) {
    with_dtype(params.dtype, [&](auto element) { dequantize<decltype(element)>(params); });
}

}  // namespace dayrun::kernels
