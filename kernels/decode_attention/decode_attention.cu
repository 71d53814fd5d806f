// Attention of new queries against cached keys on a device (decode_attention.h has the formula).
// Shapes: up to 16 texts, 16 to 64 heads of 64 to 256, some thousand keys.
// Bytes moved: keys and values of each text once per key head from memory, the other query heads of
// the group find them in the second-level cache.
// Why so: a block per text and head has its own order of sums, so a text gets the same bits alone
// and in a batch. In a tile of 128 keys a thread scores one key, then has one dimension of the
// values, which makes their loads neighbours. Splitting the keys of one text over blocks would fill
// the card better for a single long text, but needs a workspace.
#include "kernels/decode_attention/decode_attention_body.h"

namespace dayrun::kernels {
namespace {

// ---- device code: decode_attention_body.h --------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

template <class T, int kPack>
DeviceStatus launch_texts(const DecodeAttention& p, DeviceStream stream) {
    DecodeAttentionBody<T, kPack> body;
    body.p = p;
    body.p.texts = nullptr;
    for (int64_t begin = 0; begin < p.text_count; begin += kDecodeTexts) {
        const int64_t left = p.text_count - begin;
        const int64_t count = left < kDecodeTexts ? left : kDecodeTexts;
        for (int64_t i = 0; i < count; ++i) body.texts[i] = p.texts[begin + i];
        const DeviceStatus status = launch(body, count * p.heads, stream);
        if (status != kDeviceSuccess) return status;
    }
    return kDeviceSuccess;
}

template <class T>
bool has_packs(const DecodeAttention& p) {
    constexpr int kPack = pack_size<T>();
    bool fits = p.head_dim % kPack == 0;
    for (int64_t i = 0; i < p.text_count; ++i) {
        fits = fits && packs_fit(kPack, {{p.texts[i].k, sizeof(T), p.kv_stride}});
    }
    return fits;
}

}  // namespace

DeviceStatus launch_decode_attention(const DecodeAttention& params, DeviceStream stream) {
    DecodeAttention p = params;
    if (p.kv_stride == 0) p.kv_stride = p.kv_heads * p.head_dim;
    DeviceStatus status = kDeviceInvalidValue;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        if (p.head_dim > DecodeAttentionBody<T, kPack>::kMostDims) return;
        status =
            has_packs<T>(p) ? launch_texts<T, kPack>(p, stream) : launch_texts<T, 1>(p, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
