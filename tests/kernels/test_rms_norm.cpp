// kernels/rms_norm: fast against reference, strides and heads, gradients by differences, threads.
#include "kernels/rms_norm/rms_norm.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

struct Shape {
    int64_t tokens, heads, cols;
};
const Shape kShapes[] = {{1, 1, 1},   {3, 1, 7},   {5, 1, 16},  {2, 3, 33},
                         {70, 2, 64}, {9, 1, 288}, {4, 1, 1000}};

/// The same-dtype computation anyone would write first: float sums in order.
Buffer plain_forward(const Buffer& x, const Buffer& residual, const Buffer& weight, int64_t cols,
                     float eps) {
    Buffer y(x.dtype(), x.count());
    Buffer h(x.dtype(), x.count());
    for (int64_t row = 0; row < x.count() / cols; ++row) {
        float sum = 0.0f;
        for (int64_t i = row * cols; i < (row + 1) * cols; ++i) {
            h.set(i, x.at(i) + residual.at(i));
            sum += h.at(i) * h.at(i);
        }
        const float rstd = 1.0f / std::sqrt(sum / static_cast<float>(cols) + eps);
        for (int64_t i = 0; i < cols; ++i) {
            y.set(row * cols + i, h.at(row * cols + i) * rstd);
            y.set(row * cols + i, y.at(row * cols + i) * weight.at(i));
        }
    }
    return y;
}

Buffer plain_backward(const Buffer& x, const Buffer& dy, const Buffer& weight,
                      const Buffer& dresidual, const std::vector<float>& rstd, int64_t cols) {
    Buffer dx(x.dtype(), x.count());
    for (int64_t row = 0; row < x.count() / cols; ++row) {
        const float scale = rstd[static_cast<size_t>(row)];
        float dot = 0.0f;
        for (int64_t i = 0; i < cols; ++i) {
            const int64_t at = row * cols + i;
            dot += dy.at(at) * weight.at(i) * (x.at(at) * scale);
        }
        const float mean = dot / static_cast<float>(cols);
        for (int64_t i = 0; i < cols; ++i) {
            const int64_t at = row * cols + i;
            const float value = scale * (dy.at(at) * weight.at(i) - x.at(at) * scale * mean);
            dx.set(at, value + dresidual.at(at));
        }
    }
    return dx;
}

}  // namespace

class TestRmsNorm : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void forward_is_fair_data() { add_dtype_rows(); }
    void forward_is_fair() {
        const RowSetup setup;
        for (const Shape& shape : kShapes) {
            const int64_t count = shape.tokens * shape.heads * shape.cols;
            const Buffer x = Buffer::normal(setup.dtype, count, 1);
            const Buffer residual = Buffer::normal(setup.dtype, count, 2);
            const Buffer weight = Buffer::normal(setup.dtype, shape.cols, 3);
            Buffer y(setup.dtype, count), h(setup.dtype, count), truth(Dtype::Float32, count);
            std::vector<float> rstd(static_cast<size_t>(shape.tokens * shape.heads));
            RmsNormForward p;
            p.y = y.data();
            p.h = h.data();
            p.rstd = rstd.data();
            p.x = x.data();
            p.residual = residual.data();
            p.weight = weight.data();
            p.dtype = p.weight_dtype = setup.dtype;
            p.tokens = shape.tokens;
            p.heads = shape.heads;
            p.cols = shape.cols;
            rms_norm_forward(p);

            Buffer y_reference(setup.dtype, count), h_reference(setup.dtype, count);
            std::vector<float> rstd_reference(rstd.size());
            p.y = y_reference.data();
            p.h = h_reference.data();
            p.rstd = rstd_reference.data();
            rms_norm_reference_forward(p);
            QVERIFY(h == h_reference);
            for (size_t i = 0; i < rstd.size(); ++i) {
                QVERIFY(std::abs(rstd[i] - rstd_reference[i]) <= 1e-6f * rstd_reference[i]);
            }
            const Buffer x32 = x.as(Dtype::Float32), residual32 = residual.as(Dtype::Float32);
            const Buffer weight32 = weight.as(Dtype::Float32);
            p.x = x32.data();
            p.residual = residual32.data();
            p.weight = weight32.data();
            p.y = truth.data();
            p.h = nullptr;
            p.dtype = p.weight_dtype = Dtype::Float32;
            rms_norm_reference_forward(p);
            DAYRUN_COMPARE_FAIR(y, plain_forward(x, residual, weight, shape.cols, p.eps), truth);
        }
    }

    void backward_is_fair_data() { add_dtype_rows(); }
    void backward_is_fair() {
        const RowSetup setup;
        for (const Shape& shape : kShapes) {
            const int64_t count = shape.tokens * shape.heads * shape.cols;
            const Buffer x = Buffer::normal(setup.dtype, count, 1);
            const Buffer dy = Buffer::normal(setup.dtype, count, 2);
            const Buffer weight = Buffer::normal(setup.dtype, shape.cols, 3);
            const Buffer dresidual = Buffer::normal(setup.dtype, count, 4);
            std::vector<float> rstd(static_cast<size_t>(shape.tokens * shape.heads));
            Buffer y(setup.dtype, count);
            RmsNormForward forward;
            forward.y = y.data();
            forward.rstd = rstd.data();
            forward.x = x.data();
            forward.weight = weight.data();
            forward.dtype = forward.weight_dtype = setup.dtype;
            forward.tokens = shape.tokens;
            forward.heads = shape.heads;
            forward.cols = shape.cols;
            rms_norm_reference_forward(forward);

            Buffer dx(setup.dtype, count), truth(Dtype::Float32, count);
            Buffer dweight = Buffer::normal(Dtype::Float32, shape.cols, 5);
            Buffer dweight_truth = dweight;
            RmsNormBackward p;
            p.dx = dx.data();
            p.dweight = dweight.floats();
            p.dy = dy.data();
            p.x = x.data();
            p.rstd = rstd.data();
            p.weight = weight.data();
            p.dresidual = dresidual.data();
            p.dtype = p.weight_dtype = setup.dtype;
            p.tokens = shape.tokens;
            p.heads = shape.heads;
            p.cols = shape.cols;
            rms_norm_backward(p);
            Buffer dx_reference(setup.dtype, count);
            p.dx = dx_reference.data();
            p.dweight = dweight_truth.floats();
            rms_norm_reference_backward(p);
            DAYRUN_COMPARE_CLOSE(dweight, dweight_truth, 1e-6);

            const Buffer x32 = x.as(Dtype::Float32), dy32 = dy.as(Dtype::Float32);
            const Buffer weight32 = weight.as(Dtype::Float32);
            const Buffer dresidual32 = dresidual.as(Dtype::Float32);
            p.dx = truth.data();
            p.dweight = nullptr;
            p.dy = dy32.data();
            p.x = x32.data();
            p.weight = weight32.data();
            p.dresidual = dresidual32.data();
            p.dtype = p.weight_dtype = Dtype::Float32;
            rms_norm_reference_backward(p);
            DAYRUN_COMPARE_FAIR(dx, plain_backward(x, dy, weight, dresidual, rstd, shape.cols),
                                truth);
        }
    }

    void backward_matches_differences() {
        const int64_t cols = 12;
        const Buffer x = Buffer::normal(Dtype::Float32, cols, 1);
        const Buffer dy = Buffer::normal(Dtype::Float32, cols, 2);
        const Buffer weight = Buffer::normal(Dtype::Float32, cols, 3);
        auto objective = [&](const Buffer& at, const Buffer& scale) {
            Buffer y(Dtype::Float32, cols);
            RmsNormForward p;
            p.y = y.data();
            p.x = at.data();
            p.weight = scale.data();
            p.tokens = 1;
            p.cols = cols;
            rms_norm_reference_forward(p);
            double sum = 0.0;
            for (int64_t i = 0; i < cols; ++i) sum += static_cast<double>(y.at(i)) * dy.at(i);
            return sum;
        };
        float rstd = 0.0f;
        Buffer y(Dtype::Float32, cols), dx(Dtype::Float32, cols), dweight(Dtype::Float32, cols);
        RmsNormForward forward;
        forward.y = y.data();
        forward.rstd = &rstd;
        forward.x = x.data();
        forward.weight = weight.data();
        forward.tokens = 1;
        forward.cols = cols;
        rms_norm_forward(forward);
        RmsNormBackward p;
        p.dx = dx.data();
        p.dweight = dweight.floats();
        p.dy = dy.data();
        p.x = x.data();
        p.rstd = &rstd;
        p.weight = weight.data();
        p.tokens = 1;
        p.cols = cols;
        rms_norm_backward(p);
        for (int64_t i = 0; i < cols; ++i) {
            const float step = 1.0f / 128.0f;
            Buffer up = x, down = x, weight_up = weight, weight_down = weight;
            up.set(i, x.at(i) + step);
            down.set(i, x.at(i) - step);
            weight_up.set(i, weight.at(i) + step);
            weight_down.set(i, weight.at(i) - step);
            const double slope = (objective(up, weight) - objective(down, weight)) / (2 * step);
            const double weight_slope =
                (objective(x, weight_up) - objective(x, weight_down)) / (2 * step);
            QVERIFY(std::abs(dx.at(i) - slope) < 2e-3);
            QVERIFY(std::abs(dweight.at(i) - weight_slope) < 2e-4);
        }
    }

    void slices_of_a_fused_buffer_data() { add_dtype_rows(); }
    /// Norm of the query heads inside [tokens, q | k | v], in place; the rest stays untouched.
    void slices_of_a_fused_buffer() {
        const RowSetup setup;
        const int64_t tokens = 5, heads = 3, cols = 20, stride = 100, offset = 8;
        Buffer fused = Buffer::normal(setup.dtype, tokens * stride, 1);
        const Buffer before = fused;
        const Buffer weight = Buffer::normal(Dtype::Float32, cols, 2);
        RmsNormForward p;
        p.y = fused.from(offset);
        p.x = fused.from(offset);
        p.weight = weight.data();
        p.dtype = setup.dtype;
        p.tokens = tokens;
        p.heads = heads;
        p.cols = cols;
        p.x_stride = p.y_stride = stride;
        rms_norm_forward(p);
        Buffer dense(setup.dtype, tokens * heads * cols);
        for (int64_t t = 0; t < tokens; ++t) {
            for (int64_t i = 0; i < heads * cols; ++i) {
                dense.set(t * heads * cols + i, before.at(t * stride + offset + i));
            }
        }
        p.x = p.y = dense.data();
        p.x_stride = p.y_stride = 0;
        rms_norm_forward(p);
        for (int64_t t = 0; t < tokens; ++t) {
            for (int64_t i = 0; i < stride; ++i) {
                const int64_t inside = i - offset;
                const bool is_query = inside >= 0 && inside < heads * cols;
                const float expected =
                    is_query ? dense.at(t * heads * cols + inside) : before.at(t * stride + i);
                QCOMPARE(fused.at(t * stride + i), expected);
            }
        }
    }

    void aliased_residual_data() { add_dtype_rows(); }
    /// h may lie on x or on the residual, dx on dy or dresidual.
    void aliased_residual() {
        const RowSetup setup;
        const int64_t rows = 4, cols = 37;
        const Buffer x = Buffer::normal(setup.dtype, rows * cols, 1);
        const Buffer residual = Buffer::normal(setup.dtype, rows * cols, 2);
        const Buffer weight = Buffer::normal(setup.dtype, cols, 3);
        Buffer y(setup.dtype, rows * cols), h(setup.dtype, rows * cols);
        RmsNormForward p;
        p.y = y.data();
        p.h = h.data();
        p.x = x.data();
        p.residual = residual.data();
        p.weight = weight.data();
        p.dtype = p.weight_dtype = setup.dtype;
        p.tokens = rows;
        p.cols = cols;
        rms_norm_forward(p);
        Buffer on_x = x, on_residual = residual, y2(setup.dtype, rows * cols), y3 = y2;
        p.h = on_x.data();
        p.x = on_x.data();
        p.y = y2.data();
        rms_norm_forward(p);
        p.h = p.y = nullptr;
        p.x = x.data();
        p.h = on_residual.data();
        p.residual = on_residual.data();
        p.y = y3.data();
        rms_norm_forward(p);
        QVERIFY(y2 == y && on_x == h);
        QVERIFY(y3 == y && on_residual == h);
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        const int64_t tokens = 210, cols = 144;
        QVERIFY(is_bit_equal_over_threads([&] {
            const Buffer x = Buffer::normal(setup.dtype, tokens * cols, 1);
            const Buffer weight = Buffer::normal(setup.dtype, cols, 2);
            Buffer y(setup.dtype, tokens * cols), dx = y;
            Buffer rstd(Dtype::Float32, tokens), dweight(Dtype::Float32, cols);
            RmsNormForward forward;
            forward.y = y.data();
            forward.rstd = rstd.floats();
            forward.x = x.data();
            forward.weight = weight.data();
            forward.dtype = forward.weight_dtype = setup.dtype;
            forward.tokens = tokens;
            forward.cols = cols;
            rms_norm_forward(forward);
            RmsNormBackward p;
            p.dx = dx.data();
            p.dweight = dweight.floats();
            p.dy = y.data();
            p.x = x.data();
            p.rstd = rstd.floats();
            p.weight = weight.data();
            p.dtype = p.weight_dtype = setup.dtype;
            p.tokens = tokens;
            p.cols = cols;
            rms_norm_backward(p);
            return std::vector<Buffer>{y, rstd, dx, dweight};
        }));
    }
};

DAYRUN_TEST(TestRmsNorm)
#include "test_rms_norm.moc"
