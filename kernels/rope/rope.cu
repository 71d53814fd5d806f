// RoPE of queries and keys in one launch (rope.h has the formula).
// Shapes: q [tokens, q_heads, head_dim], k [tokens, k_heads, head_dim], in place; 32 + 8 heads of
// 128 in Llama-3.1-8B.
// Bytes moved: 2 * tokens * (q_heads + k_heads) * rotary_dim elements of T. The tables are
// rotary_dim * 4 bytes per token, read from memory once and by every further head from the cache.
// Why so: a block per token finds the position and its table row once for all heads. A thread's 16
// bytes are neighbours of the next one's, and it keeps its piece of the tables, twice the bytes of
// a pack, in registers for all heads it does (five of them in Llama-3.1-8B).
#include "kernels/rope/rope_body.h"

namespace dayrun::kernels {
namespace {

// ---- device code: rope_body.h --------------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus rotate(const Rope& params, float sign, DeviceStream stream) {
    Rope p = params;
    if (p.rotary_dim == 0) p.rotary_dim = p.head_dim;
    if (p.q_stride == 0) p.q_stride = p.q_heads * p.head_dim;
    if (p.k_stride == 0) p.k_stride = p.k_heads * p.head_dim;
    if (!is_row_length((p.q_heads + p.k_heads) * p.head_dim)) return kDeviceInvalidValue;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        const bool has_packs = packs_fit(kPack, {{p.q, sizeof(T), p.q_stride},
                                                 {p.q, sizeof(T), p.head_dim},
                                                 {p.q, sizeof(T), p.rotary_dim / 2},
                                                 {p.k, sizeof(T), p.k_stride},
                                                 {p.cos, sizeof(float), 0},
                                                 {p.sin, sizeof(float), 0}});
        status = has_packs ? launch(RopeBody<T, kPack>{p, sign}, p.tokens, stream)
                           : launch(RopeBody<T, 1>{p, sign}, p.tokens, stream);
    });
    return status;
}

}  // namespace

DeviceStatus launch_rope_forward(const Rope& params, DeviceStream stream) {
    return rotate(params, 1.0f, stream);
}

DeviceStatus launch_rope_backward(const Rope& params, DeviceStream stream) {
    return rotate(params, -1.0f, stream);
}

}  // namespace dayrun::kernels
