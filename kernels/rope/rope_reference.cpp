// Plain loops in double: the definition of right for rope.h.
#include "kernels/rope/rope.h"

namespace dayrun::kernels {
namespace {

template <class T>
void rotate_head(T* head, const float* cosine, const float* sine, int64_t half, double sign) {
    for (int64_t i = 0; i < half; ++i) {
        const double a = to_float(head[i]);
        const double b = to_float(head[i + half]);
        const double s = sign * sine[i];
        head[i] = round_to<T>(static_cast<float>(a * cosine[i] - b * s));
        head[i + half] = round_to<T>(static_cast<float>(b * cosine[i] + a * s));
    }
}

void rotate(const Rope& p, double sign) {
    const int64_t half = (p.rotary_dim != 0 ? p.rotary_dim : p.head_dim) / 2;
    const int64_t q_stride = p.q_stride != 0 ? p.q_stride : p.q_heads * p.head_dim;
    const int64_t k_stride = p.k_stride != 0 ? p.k_stride : p.k_heads * p.head_dim;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        for (int64_t t = 0; t < p.tokens; ++t) {
            const float* cosine = p.cos + p.position_ids[t] * half;
            const float* sine = p.sin + p.position_ids[t] * half;
            T* q = static_cast<T*>(p.q) + t * q_stride;
            for (int64_t n = 0; n < p.q_heads; ++n) {
                rotate_head(q + n * p.head_dim, cosine, sine, half, sign);
            }
            if (p.k == nullptr) continue;
            T* k = static_cast<T*>(p.k) + t * k_stride;
            for (int64_t n = 0; n < p.k_heads; ++n) {
                rotate_head(k + n * p.head_dim, cosine, sine, half, sign);
            }
        }
    });
}

}  // namespace

void rope_reference_forward(const Rope& params) {
    rotate(params, 1.0);
}

void rope_reference_backward(const Rope& params) {
    rotate(params, -1.0);
}

}  // namespace dayrun::kernels
