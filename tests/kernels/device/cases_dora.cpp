// kernels/dora and kernels/convert on a device.
#include "kernels/convert/convert.h"
#include "kernels/dora/dora.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t rows, cols;
    int64_t offset = 0;      // elements that every tensor lies off its alignment
    int64_t extra_cols = 0;  // a stride beyond dense
};

const Shape kShapes[] = {{1, 1}, {5, 7}, {70, 64}, {2, 2056}, {3, 100, 1}, {3, 96, 0, 3}};

template <class Body>
void for_each_shape(Case& c, Body&& body) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            c.describe(shape_text(dtype, {shape.rows, shape.cols}, shape.offset));
            body(shape, dtype, shape.cols + shape.extra_cols);
        }
    }
}

void norms(Case& c) {
    for (const Shape& shape : kShapes) {
        c.describe(shape_text(Dtype::Float32, {shape.rows, shape.cols}, shape.offset));
        Buffer weight = Buffer::normal(Dtype::Float32, shape.rows * shape.cols, 1);
        for (int64_t i = 0; i < shape.cols; ++i) weight.set(i, 0.0f);  // a row of zeros
        Buffer magnitude = Buffer::normal(Dtype::Float32, shape.rows, 2);
        const Buffer empty(Dtype::Float32, shape.rows);
        Buffer norm = empty, scale = empty, true_norm = empty, true_scale = empty;
        const DeviceArray d_weight = c.put(weight, shape.offset), d_magnitude = c.put(magnitude);
        const DeviceArray d_norm = c.put(empty), d_scale = c.put(empty);
        const auto with = [&](float* n, float* s, const float* w, const float* m) {
            return DoraNorms{n, s, w, m, shape.rows, shape.cols};
        };
        c.launched(c.ops().dora_norms(
            with(d_norm.floats(), d_scale.floats(), d_weight.floats(), d_magnitude.floats()),
            nullptr));
        dora_norms(with(norm.floats(), scale.floats(), weight.floats(), magnitude.floats()));
        dora_reference_norms(
            with(true_norm.floats(), true_scale.floats(), weight.floats(), magnitude.floats()));
        c.check_fair("norm", c.fetch(d_norm), norm, true_norm);
        c.check_fair("scale", c.fetch(d_scale), scale, true_scale);
    }
}

void forward(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        const int64_t count = shape.rows * stride;
        const Buffer out = Buffer::normal(dtype, count, 1), base = Buffer::normal(dtype, count, 2);
        const Buffer lora = Buffer::normal(dtype, count, 3);
        const Buffer bias = Buffer::normal(dtype, shape.cols, 4);
        Buffer scale = Buffer::normal(Dtype::Float32, shape.cols, 5);
        const DeviceArray d_out = c.put(out, shape.offset), d_base = c.put(base, shape.offset);
        const DeviceArray d_lora = c.put(lora, shape.offset), d_bias = c.put(bias, shape.offset);
        const DeviceArray d_scale = c.put(scale, shape.offset);
        for (const bool is_full : {true, false}) {
            // The second time base is out, which is then read and written.
            DoraForward p;
            p.dtype = dtype;
            p.tokens = shape.rows;
            p.cols = shape.cols;
            p.out_stride = p.base_stride = p.lora_stride = stride;
            const auto with = [&](void* o, const void* b, const void* l, const float* s,
                                  const void* add) {
                p.out = o;
                p.base = is_full ? b : o;
                p.lora = l;
                p.scale = s;
                p.bias = is_full ? add : nullptr;
            };
            const DeviceArray d_y = c.put(out, shape.offset);
            with(d_y.data(), d_base.data(), d_lora.data(), d_scale.floats(), d_bias.data());
            c.launched(c.ops().dora_forward(p, nullptr));
            Buffer plain = out, truth = out.as(Dtype::Float32);
            with(plain.data(), base.data(), lora.data(), scale.floats(), bias.data());
            dora_forward(p);
            const Buffer base32 = base.as(Dtype::Float32), lora32 = lora.as(Dtype::Float32);
            const Buffer bias32 = bias.as(Dtype::Float32);
            p.dtype = Dtype::Float32;
            with(truth.data(), base32.data(), lora32.data(), scale.floats(), bias32.data());
            dora_reference_forward(p);
            c.check_fair("y", c.fetch(d_y), plain, truth);
        }
    });
}

void scale(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        const Buffer dy = Buffer::normal(dtype, shape.rows * stride, 1);
        Buffer factor = Buffer::normal(Dtype::Float32, shape.cols, 2);
        const DeviceArray d_dy = c.put(dy, shape.offset), d_out = c.put(dy, shape.offset);
        const DeviceArray d_factor = c.put(factor, shape.offset);
        DoraScale p{d_out.data(), d_dy.data(), d_factor.floats(),
                    1.0f,         dtype,       shape.rows,
                    shape.cols,   stride,      stride};
        c.launched(c.ops().dora_scale(p, nullptr));
        Buffer out = dy;
        p.out = out.data();
        p.dy = dy.data();
        p.scale = factor.floats();
        dora_scale(p);
        c.check_equal("out", c.fetch(d_out), out);
    });
}

void magnitude(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        const int64_t count = shape.rows * stride;
        const Buffer dy = Buffer::normal(dtype, count, 1), base = Buffer::normal(dtype, count, 2);
        const Buffer lora = Buffer::normal(dtype, count, 3);
        Buffer norm(Dtype::Float32, shape.cols);
        for (int64_t i = 0; i < shape.cols; ++i) norm.set(i, static_cast<float>(i % 5));
        const Buffer before = Buffer::normal(Dtype::Float32, shape.cols, 4);
        const DeviceArray d_dy = c.put(dy), d_base = c.put(base), d_lora = c.put(lora);
        const DeviceArray d_norm = c.put(norm), d_sum = c.put(before);
        DoraMagnitude p;
        p.dtype = dtype;
        p.tokens = shape.rows;
        p.cols = shape.cols;
        p.dy_stride = p.base_stride = p.lora_stride = stride;
        p.dmagnitude = d_sum.floats();
        p.dy = d_dy.data();
        p.base = d_base.data();
        p.lora = d_lora.data();
        p.norm = d_norm.floats();
        c.launched(c.ops().dora_magnitude(p, nullptr));
        Buffer plain = before, truth = before;
        p.dy = dy.data();
        p.base = base.data();
        p.lora = lora.data();
        p.norm = norm.floats();
        p.dmagnitude = plain.floats();
        dora_magnitude(p);
        p.dmagnitude = truth.floats();
        dora_reference_magnitude(p);
        c.check_fair("dmagnitude", c.fetch(d_sum), plain, truth);
    });
}

void convert(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        for (const Dtype x_dtype : kBothDtypes) {
            const Buffer x = Buffer::normal(x_dtype, shape.rows * stride, 1);
            const Buffer before = Buffer::normal(dtype, shape.rows * stride, 2);
            const DeviceArray d_x = c.put(x, shape.offset);
            for (const bool adds : {false, true}) {
                const DeviceArray d_out = c.put(before, shape.offset);
                ConvertRows p{d_out.data(), d_x.data(), dtype,  x_dtype, adds,
                              shape.rows,   shape.cols, stride, stride};
                c.launched(c.ops().convert_rows(p, nullptr));
                Buffer out = before;
                p.out = out.data();
                p.x = x.data();
                convert_reference_rows(p);
                c.check_equal("out", c.fetch(d_out), out);
            }
        }
    });
}

}  // namespace

std::vector<NamedCase> dora_cases() {
    return {{"dora norms", &norms},
            {"dora forward", &forward},
            {"dora scale", &scale},
            {"dora magnitude", &magnitude},
            {"convert", &convert}};
}

}  // namespace dayrun::kernels::tests
