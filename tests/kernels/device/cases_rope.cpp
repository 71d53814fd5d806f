// kernels/rope on a device.
#include "kernels/rope/rope.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

constexpr int64_t kTableRows = 50;

struct Shape {
    int64_t tokens, q_heads, k_heads, head_dim, rotary_dim;
    int64_t offset = 0;      // elements that q and k lie off their alignment
    int64_t extra_cols = 0;  // q and k are parts of wider rows
};

// Whole packs, halves that no pack divides, partial rotation, one token, no k, wide heads.
const Shape kShapes[] = {{3, 2, 1, 64, 0},    {2, 3, 3, 6, 0},        {5, 4, 2, 80, 32},
                         {1, 32, 8, 128, 0},  {2, 2, 0, 16, 0},       {4, 2, 1, 64, 0, 1},
                         {4, 2, 0, 64, 0, 1}, {4, 2, 1, 64, 0, 8, 8}, {4, 2, 2, 64, 48, 0, 3},
                         {2, 5, 1, 256, 0}};

/// Halves of an odd number of packs and cos, sin of position * frequency.
struct Tables {
    explicit Tables(int64_t half)
        : cos(Dtype::Float32, kTableRows * half), sin(Dtype::Float32, kTableRows * half) {
        for (int64_t i = 0; i < kTableRows * half; ++i) {
            const double angle = static_cast<double>(i / half) *
                                 std::pow(100.0, -static_cast<double>(i % half) / half);
            cos.set(i, static_cast<float>(std::cos(angle)));
            sin.set(i, static_cast<float>(std::sin(angle)));
        }
    }
    Buffer cos, sin;
};

enum class Direction { Forward, Backward };

void rotate_with(Case& c, const Shape& shape, Dtype dtype, Direction direction) {
    const int64_t half = (shape.rotary_dim != 0 ? shape.rotary_dim : shape.head_dim) / 2;
    c.describe(shape_text(dtype,
                          {shape.tokens, shape.q_heads, shape.k_heads, shape.head_dim, 2 * half},
                          shape.offset));
    Rope p;
    p.dtype = dtype;
    p.tokens = shape.tokens;
    p.q_heads = shape.q_heads;
    p.k_heads = shape.k_heads;
    p.head_dim = shape.head_dim;
    p.rotary_dim = shape.rotary_dim;
    p.q_stride = shape.q_heads * shape.head_dim + shape.extra_cols;
    p.k_stride = shape.k_heads * shape.head_dim + shape.extra_cols;
    const bool has_k = shape.k_heads > 0;
    const Buffer q = Buffer::normal(dtype, shape.tokens * p.q_stride, 1);
    const Buffer k = Buffer::normal(dtype, shape.tokens * p.k_stride, 2);
    const Tables tables(half);
    std::vector<int32_t> positions(static_cast<size_t>(shape.tokens));
    for (size_t t = 0; t < positions.size(); ++t) {
        positions[t] = static_cast<int32_t>((17 * t + 49) % kTableRows);
    }

    const DeviceArray d_q = c.put(q, shape.offset), d_k = c.put(k, shape.offset);
    const DeviceArray d_cos = c.put(tables.cos), d_sin = c.put(tables.sin);
    const auto d_positions = c.put_values(positions);
    p.q = d_q.data();
    p.k = has_k ? d_k.data() : nullptr;
    p.cos = d_cos.floats();
    p.sin = d_sin.floats();
    p.position_ids = d_positions.get();
    const bool is_forward = direction == Direction::Forward;
    c.launched(is_forward ? c.ops().rope_forward(p, nullptr) : c.ops().rope_backward(p, nullptr));

    Buffer plain_q = q, plain_k = k;
    Buffer true_q = q.as(Dtype::Float32), true_k = k.as(Dtype::Float32);
    Buffer cos = tables.cos, sin = tables.sin;
    p.cos = cos.floats();
    p.sin = sin.floats();
    p.position_ids = positions.data();
    p.q = plain_q.data();
    p.k = has_k ? plain_k.data() : nullptr;
    is_forward ? rope_forward(p) : rope_backward(p);
    p.dtype = Dtype::Float32;
    p.q = true_q.data();
    p.k = has_k ? true_k.data() : nullptr;
    is_forward ? rope_reference_forward(p) : rope_reference_backward(p);
    c.check_fair("q", c.fetch(d_q), plain_q, true_q);
    c.check_fair("k", c.fetch(d_k), plain_k, true_k);
}

void both_directions(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            rotate_with(c, shape, dtype, Direction::Forward);
            rotate_with(c, shape, dtype, Direction::Backward);
        }
    }
}

/// A token beyond 2^31 elements, with a stride instead of a full tensor.
void high_blocks(Case& c) {
    const int64_t stride = 65536, tokens = (int64_t{1} << 31) / stride + 2;
    const std::shared_ptr<void> memory =
        c.machine().reserve(static_cast<std::size_t>(2 * tokens * stride));
    if (memory == nullptr) return c.skip("needs 4 GiB of the machine's memory");
    Rope p;
    p.dtype = Dtype::BFloat16;
    p.tokens = tokens;
    p.q_heads = 2;
    p.head_dim = 64;
    p.q_stride = stride;
    p.q = memory.get();
    const DeviceArray d_q(memory, 0, Dtype::BFloat16, tokens * stride);
    const Buffer row = Buffer::normal(Dtype::BFloat16, 128, 1);
    c.machine().copy_in(d_q.from((tokens - 1) * stride), row.data(), 256);
    const Tables tables(32);
    const DeviceArray d_cos = c.put(tables.cos), d_sin = c.put(tables.sin);
    std::vector<int32_t> positions(static_cast<size_t>(tokens), 7);
    const auto d_positions = c.put_values(positions);
    p.cos = d_cos.floats();
    p.sin = d_sin.floats();
    p.position_ids = d_positions.get();
    c.machine().run_only({tokens - 1});
    c.launched(c.ops().rope_forward(p, nullptr));
    Buffer last(Dtype::BFloat16, 128), expected = row;
    c.copy_out(last.data(), d_q.from((tokens - 1) * stride), 256);
    Buffer cos = tables.cos, sin = tables.sin;
    p.cos = cos.floats();
    p.sin = sin.floats();
    p.position_ids = positions.data();
    p.tokens = 1;
    p.q = expected.data();
    rope_forward(p);
    Buffer truth = row.as(Dtype::Float32);
    p.q = truth.data();
    p.dtype = Dtype::Float32;
    rope_reference_forward(p);
    c.describe("the last of 32,770 tokens, 65,536 elements apart");
    c.check_fair("q", last, expected, truth);
}

}  // namespace

std::vector<NamedCase> rope_cases() {
    return {{"rope", &both_directions}, {"rope high blocks", &high_blocks}};
}

}  // namespace dayrun::kernels::tests
