// kernels/rms_norm on a device.
#include "kernels/rms_norm/rms_norm.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t tokens, heads, cols;
    int64_t offset = 0;      // elements that every tensor lies off its alignment
    int64_t extra_cols = 0;  // a stride beyond dense
};

// A warp's rows with and without tails, a block's rows, rows longer than the registers hold,
// unaligned ones, strides that no pack fits.
const Shape kShapes[] = {{1, 1, 1},         {3, 1, 7},      {11, 1, 64},       {9, 3, 16},
                         {2, 3, 33},        {1, 1, 1024},   {2, 1, 1032},      {3, 1, 2051, 0, 13},
                         {2, 1, 9000},      {3, 1, 288, 1}, {3, 1, 288, 0, 8}, {5, 2, 128, 8, 64},
                         {2, 1, 1500, 3, 5}};

/// A tensor [tokens, stride] whose rows have gaps that hold a mark.
Buffer strided(Dtype dtype, const Shape& shape, unsigned seed) {
    const int64_t stride = shape.heads * shape.cols + shape.extra_cols;
    return Buffer::normal(dtype, shape.tokens * stride, seed);
}

void forward_with(Case& c, const Shape& shape, Dtype dtype, Dtype weight_dtype, bool has_residual) {
    const int64_t stride = shape.heads * shape.cols + shape.extra_cols;
    c.describe("forward " +
               shape_text(dtype, {shape.tokens, shape.heads, shape.cols}, shape.offset) +
               " stride " + std::to_string(stride));
    const Buffer x = strided(dtype, shape, 1), residual = strided(dtype, shape, 2);
    const Buffer weight = Buffer::normal(weight_dtype, shape.cols, 3);
    RmsNormForward p;
    p.dtype = dtype;
    p.weight_dtype = weight_dtype;
    p.tokens = shape.tokens;
    p.heads = shape.heads;
    p.cols = shape.cols;
    p.y_stride = p.h_stride = p.x_stride = p.residual_stride = stride;
    const auto with = [&](const void* in, const void* add, const void* w, void* y, void* h,
                          float* rstd) {
        p.x = in;
        p.residual = has_residual ? add : nullptr;
        p.weight = w;
        p.y = y;
        p.h = has_residual ? h : nullptr;
        p.rstd = rstd;
    };

    const DeviceArray d_x = c.put(x, shape.offset), d_residual = c.put(residual, shape.offset);
    const DeviceArray d_weight = c.put(weight, shape.offset);
    const DeviceArray d_y = c.put(x, shape.offset), d_h = c.put(residual, shape.offset);
    const DeviceArray d_rstd = c.put(Buffer(Dtype::Float32, shape.tokens * shape.heads));
    with(d_x.data(), d_residual.data(), d_weight.data(), d_y.data(), d_h.data(), d_rstd.floats());
    c.launched(c.ops().rms_norm_forward(p, nullptr));

    Buffer y = x, h = residual, rstd(Dtype::Float32, shape.tokens * shape.heads);
    with(x.data(), residual.data(), weight.data(), y.data(), h.data(), rstd.floats());
    rms_norm_forward(p);
    Buffer truth = x.as(Dtype::Float32), truth_h = residual.as(Dtype::Float32);
    Buffer truth_rstd = rstd;
    const Buffer x32 = x.as(Dtype::Float32), residual32 = residual.as(Dtype::Float32);
    const Buffer weight32 = weight.as(Dtype::Float32);
    with(x32.data(), residual32.data(), weight32.data(), truth.data(), truth_h.data(),
         truth_rstd.floats());
    p.dtype = p.weight_dtype = Dtype::Float32;
    rms_norm_reference_forward(p);
    c.check_fair("y", c.fetch(d_y), y, truth);
    c.check_fair("rstd", c.fetch(d_rstd), rstd, truth_rstd);
    // One addition and one rounding: no freedom. Gaps between rows are compared too.
    c.check_equal("h", c.fetch(d_h), h);
}

void forward(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            forward_with(c, shape, dtype, dtype, true);
            forward_with(c, shape, dtype, Dtype::Float32, false);
        }
    }
}

void forward_in_place(Case& c) {
    const int64_t count = 3 * 2560;
    const Buffer x = Buffer::normal(Dtype::BFloat16, count, 1);
    const Buffer residual = Buffer::normal(Dtype::BFloat16, count, 2);
    const Buffer weight = Buffer::normal(Dtype::BFloat16, 2560, 3);
    c.describe("y on x, h on residual");
    RmsNormForward p;
    p.dtype = p.weight_dtype = Dtype::BFloat16;
    p.tokens = 3;
    p.cols = 2560;
    const DeviceArray d_x = c.put(x), d_residual = c.put(residual), d_weight = c.put(weight);
    const DeviceArray d_y = c.put(Buffer(Dtype::BFloat16, count));
    p.x = d_x.data();
    p.residual = d_residual.data();
    p.weight = d_weight.data();
    p.y = d_y.data();
    c.launched(c.ops().rms_norm_forward(p, nullptr));
    p.y = d_x.data();
    p.h = d_residual.data();
    c.launched(c.ops().rms_norm_forward(p, nullptr));
    c.check_equal("y", c.fetch(d_x), c.fetch(d_y));
}

void backward_with(Case& c, const Shape& shape, Dtype dtype, bool has_residual) {
    const int64_t stride = shape.heads * shape.cols + shape.extra_cols;
    const int64_t rows = shape.tokens * shape.heads;
    c.describe("backward " +
               shape_text(dtype, {shape.tokens, shape.heads, shape.cols}, shape.offset) +
               " stride " + std::to_string(stride));
    const Buffer x = strided(dtype, shape, 1), dy = strided(dtype, shape, 2);
    const Buffer dresidual = strided(dtype, shape, 3);
    const Buffer weight = Buffer::normal(dtype, shape.cols, 4);
    const Buffer before = Buffer::normal(Dtype::Float32, shape.cols, 5);
    Buffer rstd(Dtype::Float32, rows);
    for (int64_t i = 0; i < rows; ++i) rstd.set(i, 0.5f + 0.01f * static_cast<float>(i % 50));
    RmsNormBackward p;
    p.dtype = p.weight_dtype = dtype;
    p.tokens = shape.tokens;
    p.heads = shape.heads;
    p.cols = shape.cols;
    p.dx_stride = p.dy_stride = p.x_stride = p.dresidual_stride = stride;

    const DeviceArray d_x = c.put(x, shape.offset), d_dy = c.put(dy, shape.offset);
    const DeviceArray d_dresidual = c.put(dresidual, shape.offset);
    const DeviceArray d_weight = c.put(weight, shape.offset), d_rstd = c.put(rstd);
    const DeviceArray d_dweight = c.put(before);
    // dx lies on dy, as the engine uses it.
    p.dx = d_dy.data();
    p.dy = d_dy.data();
    p.x = d_x.data();
    p.dresidual = has_residual ? d_dresidual.data() : nullptr;
    p.weight = d_weight.data();
    p.rstd = d_rstd.floats();
    p.dweight = d_dweight.floats();
    c.launched(c.ops().rms_norm_backward(p, nullptr));

    Buffer dx = dy, dweight = before;
    p.dx = dx.data();
    p.dy = dy.data();
    p.x = x.data();
    p.dresidual = has_residual ? dresidual.data() : nullptr;
    p.weight = weight.data();
    p.rstd = rstd.floats();
    p.dweight = dweight.floats();
    rms_norm_backward(p);
    // The reference's dweight rounds x * rstd to the type, which is part of the operation.
    Buffer rounded_dx = dy, truth_dweight = before;
    p.dx = rounded_dx.data();
    p.dweight = truth_dweight.floats();
    rms_norm_reference_backward(p);
    Buffer truth = dy.as(Dtype::Float32);
    const Buffer x32 = x.as(Dtype::Float32), dy32 = dy.as(Dtype::Float32);
    const Buffer dresidual32 = dresidual.as(Dtype::Float32), weight32 = weight.as(Dtype::Float32);
    p.dtype = p.weight_dtype = Dtype::Float32;
    p.dx = truth.data();
    p.dy = dy32.data();
    p.x = x32.data();
    p.dresidual = has_residual ? dresidual32.data() : nullptr;
    p.weight = weight32.data();
    p.dweight = nullptr;
    rms_norm_reference_backward(p);
    c.check_fair("dx", c.fetch(d_dy), dx, truth);
    c.check_fair("dweight", c.fetch(d_dweight), dweight, truth_dweight);
}

void backward(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            backward_with(c, shape, dtype, true);
            backward_with(c, shape, dtype, false);
        }
    }
    backward_with(c, {1200, 1, 40}, Dtype::BFloat16, true);
}

/// Rows beyond 2^32 elements: the last block of a tensor of 8 GiB.
void high_blocks(Case& c) {
    const int64_t cols = 4096, tokens = (int64_t{1} << 32) / cols + 2, count = tokens * cols;
    const std::shared_ptr<void> x = c.machine().reserve(static_cast<std::size_t>(2 * count));
    const std::shared_ptr<void> y = c.machine().reserve(static_cast<std::size_t>(2 * count));
    if (x == nullptr || y == nullptr) return c.skip("needs 16 GiB of the machine's memory");
    const Buffer row = Buffer::normal(Dtype::BFloat16, cols, 1);
    const Buffer weight = Buffer::normal(Dtype::BFloat16, cols, 2);
    const DeviceArray d_weight = c.put(weight);
    const DeviceArray d_x(x, 0, Dtype::BFloat16, count), d_y(y, 0, Dtype::BFloat16, count);
    c.machine().copy_in(d_x.from(count - cols), row.data(), static_cast<std::size_t>(2 * cols));
    RmsNormForward p;
    p.dtype = p.weight_dtype = Dtype::BFloat16;
    p.tokens = tokens;
    p.cols = cols;
    p.x = x.get();
    p.y = y.get();
    p.weight = d_weight.data();
    c.machine().run_only({0, tokens - 1});
    c.launched(c.ops().rms_norm_forward(p, nullptr));

    Buffer last(Dtype::BFloat16, cols), expected(Dtype::BFloat16, cols);
    c.copy_out(last.data(), d_y.from(count - cols), static_cast<std::size_t>(2 * cols));
    p.tokens = 1;
    p.x = row.data();
    p.y = expected.data();
    p.weight = weight.data();
    rms_norm_forward(p);
    Buffer truth(Dtype::Float32, cols);
    const Buffer row32 = row.as(Dtype::Float32), weight32 = weight.as(Dtype::Float32);
    p.dtype = p.weight_dtype = Dtype::Float32;
    p.x = row32.data();
    p.y = truth.data();
    p.weight = weight32.data();
    rms_norm_reference_forward(p);
    c.describe("row 1,048,577 of 4,096");
    c.check_fair("y", last, expected, truth);
}

}  // namespace

std::vector<NamedCase> rms_norm_cases() {
    return {{"rms_norm forward", &forward},
            {"rms_norm forward in place", &forward_in_place},
            {"rms_norm backward", &backward},
            {"rms_norm high blocks", &high_blocks}};
}

}  // namespace dayrun::kernels::tests
