// kernels/decode_attention on a device.
#include "kernels/decode_attention/decode_attention.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t heads, kv_heads, head_dim;
    int64_t offset = 0;      // elements that keys and values lie off their alignment
    int64_t extra_cols = 0;  // a stride beyond dense
};

const Shape kShapes[] = {{2, 1, 64},  {4, 4, 20}, {6, 2, 128, 0, 8},
                         {2, 2, 256}, {2, 1, 33}, {2, 1, 64, 1}};

/// Keys of one text each: one, less than a tile, exactly one, several.
const int64_t kKeys[] = {1, 77, 128, 300};

/// One text's tensors.
struct Text {
    Text(Case& c, const Shape& shape, Dtype dtype, int64_t keys, unsigned seed)
        : q(Buffer::normal(dtype, shape.heads * shape.head_dim, seed)),
          k(Buffer::normal(dtype, keys * stride(shape), seed + 1)),
          v(Buffer::normal(dtype, keys * stride(shape), seed + 2)),
          out(dtype, q.count()),
          d_q(c.put(q)),
          d_k(c.put(k, shape.offset)),
          d_v(c.put(v, shape.offset)),
          d_out(c.put(out)) {}
    static int64_t stride(const Shape& shape) {
        return shape.kv_heads * shape.head_dim + shape.extra_cols;
    }
    Buffer q, k, v, out;
    DeviceArray d_q, d_k, d_v, d_out;
};

DecodeAttention parameters(const Shape& shape, Dtype dtype) {
    DecodeAttention p;
    p.dtype = dtype;
    p.heads = shape.heads;
    p.kv_heads = shape.kv_heads;
    p.head_dim = shape.head_dim;
    p.kv_stride = Text::stride(shape);
    p.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
    return p;
}

void attend_with(Case& c, const Shape& shape, Dtype dtype) {
    c.describe(shape_text(dtype, {shape.heads, shape.kv_heads, shape.head_dim}, shape.offset));
    DecodeAttention p = parameters(shape, dtype);
    std::vector<Text> texts;
    texts.reserve(4);
    std::vector<DecodeText> on_device;
    for (const int64_t keys : kKeys) {
        texts.emplace_back(c, shape, dtype, keys, static_cast<unsigned>(keys));
        const Text& t = texts.back();
        on_device.push_back({t.d_out.data(), t.d_q.data(), t.d_k.data(), t.d_v.data(), keys});
    }
    p.texts = on_device.data();
    p.text_count = static_cast<int64_t>(on_device.size());
    c.launched(c.ops().decode_attention(p, nullptr));
    for (size_t i = 0; i < texts.size(); ++i) {
        Text& t = texts[i];
        const Buffer together = c.fetch(t.d_out);
        p.texts = &on_device[i];
        p.text_count = 1;
        c.launched(c.ops().decode_attention(p, nullptr));
        c.check_equal("a text alone", c.fetch(t.d_out), together);

        DecodeAttention host = p;
        DecodeText text{t.out.data(), t.q.data(), t.k.data(), t.v.data(), kKeys[i]};
        host.texts = &text;
        decode_attention(host);
        const Buffer q = t.q.as(Dtype::Float32), k = t.k.as(Dtype::Float32);
        const Buffer v = t.v.as(Dtype::Float32);
        Buffer truth(Dtype::Float32, t.out.count());
        text = {truth.data(), q.data(), k.data(), v.data(), kKeys[i]};
        host.dtype = Dtype::Float32;
        decode_attention_reference(host);
        c.check_fair("out", together, t.out, truth);
    }
}

void attend(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) attend_with(c, shape, dtype);
    }
}

/// More texts than one launch holds, one key each: out is the value.
void many_texts(Case& c) {
    const Shape shape{1, 1, 8};
    const int64_t count = 70;
    const Buffer values = Buffer::normal(Dtype::Float32, count * 8, 1);
    const DeviceArray d_values = c.put(values), d_out = c.put(Buffer(Dtype::Float32, count * 8));
    std::vector<DecodeText> texts;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t at = i * 8;
        texts.push_back(
            {d_out.from(at), d_values.from(at), d_values.from(at), d_values.from(at), 1});
    }
    DecodeAttention p = parameters(shape, Dtype::Float32);
    p.texts = texts.data();
    p.text_count = count;
    c.describe("70 texts");
    c.launched(c.ops().decode_attention(p, nullptr));
    c.check_equal("out", c.fetch(d_out), values);
}

}  // namespace

std::vector<NamedCase> decode_attention_cases() {
    return {{"decode_attention", &attend}, {"decode_attention of many texts", &many_texts}};
}

}  // namespace dayrun::kernels::tests
