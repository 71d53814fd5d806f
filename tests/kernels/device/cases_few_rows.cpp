// kernels/few_rows on a device.
#include "kernels/few_rows/few_rows.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t rows, cols, inner;
    int64_t offset = 0;      // elements that x and w lie off their alignment
    int64_t extra_cols = 0;  // strides beyond dense
};

const Shape kShapes[] = {{1, 1, 1},     {1, 9, 33},       {3, 17, 256},
                         {4, 8, 260},   {16, 10, 512},    {19, 5, 100},
                         {2, 5, 96, 1}, {5, 7, 64, 0, 8}, {5, 7, 1000, 0, 3}};

void product_with(Case& c, const Shape& shape, Dtype dtype, float beta) {
    c.describe(shape_text(dtype, {shape.rows, shape.cols, shape.inner}, shape.offset));
    FewRowsProduct p;
    p.dtype = dtype;
    p.rows = shape.rows;
    p.cols = shape.cols;
    p.inner = shape.inner;
    p.out_stride = shape.cols + shape.extra_cols;
    p.x_stride = p.w_stride = shape.inner + shape.extra_cols;
    p.alpha = 0.5f;
    p.beta = beta;
    const Buffer x = Buffer::normal(dtype, shape.rows * p.x_stride, 1);
    const Buffer w = Buffer::normal(dtype, shape.cols * p.w_stride, 2);
    const Buffer before = Buffer::normal(dtype, shape.rows * p.out_stride, 3);
    const DeviceArray d_x = c.put(x, shape.offset), d_w = c.put(w, shape.offset);
    const DeviceArray d_out = c.put(before), d_alone = c.put(before);
    p.x = d_x.data();
    p.w = d_w.data();
    p.out = d_out.data();
    c.launched(c.ops().few_rows_product(p, nullptr));
    const Buffer out = c.fetch(d_out);
    FewRowsProduct alone = p;
    alone.rows = 1;
    for (int64_t row = 0; row < shape.rows; ++row) {
        alone.x = d_x.from(row * p.x_stride);
        alone.out = d_alone.from(row * p.out_stride);
        c.launched(c.ops().few_rows_product(alone, nullptr));
    }
    c.check_equal("rows alone", c.fetch(d_alone), out);

    Buffer plain = before;
    p.x = x.data();
    p.w = w.data();
    p.out = plain.data();
    few_rows_product(p);
    Buffer truth = before.as(Dtype::Float32);
    const Buffer x32 = x.as(Dtype::Float32), w32 = w.as(Dtype::Float32);
    p.dtype = Dtype::Float32;
    p.x = x32.data();
    p.w = w32.data();
    p.out = truth.data();
    few_rows_product_reference(p);
    c.check_fair("out", out, plain, truth);
}

void product(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            product_with(c, shape, dtype, 0.0f);
            product_with(c, shape, dtype, 1.0f);
        }
    }
}

}  // namespace

std::vector<NamedCase> few_rows_cases() {
    return {{"few_rows", &product}};
}

}  // namespace dayrun::kernels::tests
