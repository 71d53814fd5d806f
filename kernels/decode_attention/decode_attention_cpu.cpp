// The fast CPU version of decode_attention.h: heads in parallel, vector code in
// decode_attention_heads.inc.
#include "kernels/decode_attention/decode_attention.h"

#include <vector>

#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/decode_attention/decode_attention_heads.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void decode_attention(const DecodeAttention& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.decode_attention, params);
    }
    DecodeAttention p = params;
    if (p.kv_stride == 0) p.kv_stride = p.kv_heads * p.head_dim;
    int64_t most_keys = 1;
    for (int64_t i = 0; i < p.text_count; ++i) most_keys = std::max(most_keys, p.texts[i].keys);
    with_dtype(p.dtype, [&](auto element) {
        const auto attend = DAYRUN_SIMD_CALL(attend<decltype(element)>);
        const int64_t head_bytes = 2 * most_keys * p.head_dim * element_bytes(p.dtype);
        parallel_for(p.text_count * p.heads, grain_for(head_bytes),
                     [&](int64_t begin, int64_t end) {
                         std::vector<float> scores(static_cast<size_t>(most_keys));
                         for (int64_t i = begin; i < end; ++i) {
                             attend(p, p.texts[i / p.heads], i % p.heads, scores.data());
                         }
                     });
    });
}

}  // namespace dayrun::kernels
