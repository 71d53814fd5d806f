// kernels/swiglu on a device.
#include "kernels/swiglu/swiglu.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t rows, cols;
    int64_t offset = 0;      // elements that every tensor lies off its alignment
    int64_t extra_cols = 0;  // a stride beyond dense
};

// One element, tails, one tile exactly, more than a tile, unaligned, strided.
const Shape kShapes[] = {{1, 1},        {3, 7},         {2, 8},        {5, 100},
                         {2, 2048},     {2, 2056},      {3, 4099},     {3, 96, 1},
                         {3, 96, 0, 8}, {3, 96, 8, 32}, {2, 333, 0, 3}};

/// The values of gate reach where exp overflows.
Buffer gate_of(Dtype dtype, int64_t count) {
    Buffer gate = Buffer::normal(dtype, count, 1, 3.0f);
    if (count > 4) gate.set(0, -120.0f), gate.set(1, 120.0f), gate.set(2, 0.0f);
    return gate;
}

void forward(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            c.describe(shape_text(dtype, {shape.rows, shape.cols}, shape.offset));
            const int64_t stride = shape.cols + shape.extra_cols;
            const int64_t count = shape.rows * stride;
            const Buffer gate = gate_of(dtype, count), up = Buffer::normal(dtype, count, 2);
            SwigluForward p;
            p.dtype = dtype;
            p.rows = shape.rows;
            p.cols = shape.cols;
            p.gate_stride = p.up_stride = p.out_stride = stride;
            const DeviceArray d_gate = c.put(gate, shape.offset), d_up = c.put(up, shape.offset);
            p.gate = d_gate.data();
            p.up = d_up.data();
            p.out = d_up.data();  // in place
            c.launched(c.ops().swiglu_forward(p, nullptr));

            Buffer plain = up;
            p.gate = gate.data();
            p.up = up.data();
            p.out = plain.data();
            swiglu_forward(p);
            Buffer truth = up.as(Dtype::Float32);
            const Buffer gate32 = gate.as(Dtype::Float32), up32 = up.as(Dtype::Float32);
            p.gate = gate32.data();
            p.up = up32.data();
            p.out = truth.data();
            p.dtype = Dtype::Float32;
            swiglu_reference_forward(p);
            c.check_fair("out", c.fetch(d_up), plain, truth);
        }
    }
}

void backward_with(Case& c, const Shape& shape, Dtype dtype, bool makes_out) {
    c.describe(shape_text(dtype, {shape.rows, shape.cols}, shape.offset));
    const int64_t stride = shape.cols + shape.extra_cols;
    const int64_t count = shape.rows * stride;
    const Buffer gate = gate_of(dtype, count), up = Buffer::normal(dtype, count, 2);
    const Buffer dout = Buffer::normal(dtype, count, 3);
    SwigluBackward p;
    p.dtype = dtype;
    p.rows = shape.rows;
    p.cols = shape.cols;
    p.gate_stride = p.up_stride = p.out_stride = p.dout_stride = stride;
    const auto with = [&](void* g, void* u, void* d) {
        p.gate = g;
        p.up = u;
        p.dout = d;
        p.out = makes_out ? d : nullptr;  // out lies on dout
    };
    // What the forward stores, for the comparison with the recomputed out.
    const DeviceArray d_gate = c.put(gate, shape.offset), d_up = c.put(up, shape.offset);
    const DeviceArray d_dout = c.put(dout, shape.offset), d_forward = c.put(dout, shape.offset);
    SwigluForward f;
    f.dtype = dtype;
    f.rows = shape.rows;
    f.cols = shape.cols;
    f.gate_stride = f.up_stride = f.out_stride = stride;
    f.gate = d_gate.data();
    f.up = d_up.data();
    f.out = d_forward.data();
    c.launched(c.ops().swiglu_forward(f, nullptr));
    with(d_gate.data(), d_up.data(), d_dout.data());
    c.launched(c.ops().swiglu_backward(p, nullptr));

    Buffer plain_gate = gate, plain_up = up, plain_dout = dout;
    with(plain_gate.data(), plain_up.data(), plain_dout.data());
    swiglu_backward(p);
    Buffer true_gate = gate.as(Dtype::Float32), true_up = up.as(Dtype::Float32);
    Buffer true_dout = dout.as(Dtype::Float32);
    p.dtype = Dtype::Float32;
    with(true_gate.data(), true_up.data(), true_dout.data());
    swiglu_reference_backward(p);
    c.check_fair("d_gate", c.fetch(d_gate), plain_gate, true_gate);
    c.check_fair("d_up", c.fetch(d_up), plain_up, true_up);
    if (makes_out) {
        c.check_equal("out", c.fetch(d_dout), c.fetch(d_forward));
    } else {
        c.check_equal("dout", c.fetch(d_dout), dout);
    }
}

void backward(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            backward_with(c, shape, dtype, true);
            backward_with(c, shape, dtype, false);
        }
    }
}

/// Blocks beyond 2^31 elements: the last tile of the last row.
void high_blocks(Case& c) {
    const int64_t cols = 14336, rows = (int64_t{1} << 31) / cols + 2, tiles = 7;
    const int64_t tail = 2048, at = rows * cols - tail;
    const std::shared_ptr<void> memory =
        c.machine().reserve(static_cast<std::size_t>(2 * rows * cols));
    if (memory == nullptr) return c.skip("needs 4 GiB of the machine's memory");
    const DeviceArray d_gate(memory, 0, Dtype::BFloat16, rows * cols);
    const Buffer gate = Buffer::normal(Dtype::BFloat16, tail, 1);
    c.machine().copy_in(d_gate.from(at), gate.data(), static_cast<std::size_t>(2 * tail));
    SwigluForward p;
    p.dtype = Dtype::BFloat16;
    p.rows = rows;
    p.cols = cols;
    p.gate = p.up = p.out = memory.get();
    c.machine().run_only({rows * tiles - 1});
    c.launched(c.ops().swiglu_forward(p, nullptr));
    Buffer out(Dtype::BFloat16, tail), plain = gate, truth = gate.as(Dtype::Float32);
    c.copy_out(out.data(), d_gate.from(at), static_cast<std::size_t>(2 * tail));
    p.rows = 1;
    p.cols = tail;
    p.gate = p.up = p.out = plain.data();
    swiglu_forward(p);
    p.gate = p.up = p.out = truth.data();
    p.dtype = Dtype::Float32;
    swiglu_reference_forward(p);
    c.describe("the last tile of 149,798 rows");
    c.check_fair("out", out, plain, truth);
}

}  // namespace

std::vector<NamedCase> swiglu_cases() {
    return {{"swiglu forward", &forward},
            {"swiglu backward", &backward},
            {"swiglu high blocks", &high_blocks}};
}

}  // namespace dayrun::kernels::tests
