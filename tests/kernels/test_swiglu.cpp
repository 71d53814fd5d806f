// kernels/swiglu: fast against reference, extremes, strides, in-place backward, threads.
#include "kernels/swiglu/swiglu.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

const int64_t kShapes[][2] = {{1, 1}, {3, 5}, {2, 16}, {5, 31}, {4, 100}, {7, 768}};

SwigluForward forward_params(Buffer& out, const Buffer& gate, const Buffer& up, int64_t rows,
                             int64_t cols) {
    SwigluForward p;
    p.out = out.data();
    p.gate = gate.data();
    p.up = up.data();
    p.dtype = out.dtype();
    p.rows = rows;
    p.cols = cols;
    return p;
}

SwigluBackward backward_params(Buffer& gate, Buffer& up, const Buffer& dout, int64_t rows,
                               int64_t cols) {
    SwigluBackward p;
    p.gate = gate.data();
    p.up = up.data();
    p.dout = dout.data();
    p.dtype = gate.dtype();
    p.rows = rows;
    p.cols = cols;
    return p;
}

/// The plain same-dtype computation: expf in float, one rounding at the end.
void plain(const Buffer& gate, const Buffer& up, const Buffer& dout, Buffer& out, Buffer& dgate,
           Buffer& dup) {
    for (int64_t i = 0; i < gate.count(); ++i) {
        const float g = gate.at(i);
        const float share = 1.0f / (1.0f + std::exp(-g));
        out.set(i, g * share * up.at(i));
        dgate.set(i, dout.at(i) * up.at(i) * (share * (1.0f + g * (1.0f - share))));
        dup.set(i, dout.at(i) * (g * share));
    }
}

}  // namespace

class TestSwiglu : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void both_directions_are_fair_data() { add_dtype_rows(); }
    void both_directions_are_fair() {
        const RowSetup setup;
        for (const auto& [rows, cols] : kShapes) {
            const Buffer gate = Buffer::normal(setup.dtype, rows * cols, 1, 3.0f);
            const Buffer up = Buffer::normal(setup.dtype, rows * cols, 2);
            const Buffer dout = Buffer::normal(setup.dtype, rows * cols, 3);
            Buffer out(setup.dtype, rows * cols), dgate = gate, dup = up;
            swiglu_forward(forward_params(out, gate, up, rows, cols));
            swiglu_backward(backward_params(dgate, dup, dout, rows, cols));

            Buffer out_truth(Dtype::Float32, rows * cols);
            Buffer dgate_truth = gate.as(Dtype::Float32), dup_truth = up.as(Dtype::Float32);
            const Buffer dout32 = dout.as(Dtype::Float32);
            swiglu_reference_forward(forward_params(out_truth, dgate_truth, dup_truth, rows, cols));
            swiglu_reference_backward(backward_params(dgate_truth, dup_truth, dout32, rows, cols));
            Buffer out_plain = out, dgate_plain = out, dup_plain = out;
            plain(gate, up, dout, out_plain, dgate_plain, dup_plain);
            DAYRUN_COMPARE_FAIR(out, out_plain, out_truth);
            DAYRUN_COMPARE_FAIR(dgate, dgate_plain, dgate_truth);
            DAYRUN_COMPARE_FAIR(dup, dup_plain, dup_truth);
        }
    }

    void recomputed_out_has_the_same_bits_data() { add_dtype_rows(); }
    /// Also when it overwrites dout.
    void recomputed_out_has_the_same_bits() {
        const RowSetup setup;
        const int64_t rows = 3, cols = 77;
        const Buffer gate = Buffer::normal(setup.dtype, rows * cols, 1);
        const Buffer up = Buffer::normal(setup.dtype, rows * cols, 2);
        const Buffer dout = Buffer::normal(setup.dtype, rows * cols, 3);
        Buffer out(setup.dtype, rows * cols), again = dout, dgate = gate, dup = up;
        swiglu_forward(forward_params(out, gate, up, rows, cols));
        SwigluBackward p = backward_params(dgate, dup, again, rows, cols);
        p.out = again.data();
        swiglu_backward(p);
        QVERIFY(again == out);
        Buffer dgate_alone = gate, dup_alone = up;
        swiglu_backward(backward_params(dgate_alone, dup_alone, dout, rows, cols));
        QVERIFY(dgate == dgate_alone && dup == dup_alone);
    }

    void halves_of_one_buffer_data() { add_dtype_rows(); }
    void halves_of_one_buffer() {
        const RowSetup setup;
        const int64_t rows = 4, cols = 21;
        Buffer fused = Buffer::normal(setup.dtype, rows * 2 * cols, 1);
        Buffer gate(setup.dtype, rows * cols), up = gate, out = gate, out_dense = gate;
        for (int64_t row = 0; row < rows; ++row) {
            for (int64_t i = 0; i < cols; ++i) {
                gate.set(row * cols + i, fused.at(row * 2 * cols + i));
                up.set(row * cols + i, fused.at(row * 2 * cols + cols + i));
            }
        }
        const Buffer dout = Buffer::normal(setup.dtype, rows * cols, 2);
        SwigluForward forward = forward_params(out, fused, fused, rows, cols);
        forward.up = fused.from(cols);
        forward.gate_stride = forward.up_stride = 2 * cols;
        swiglu_forward(forward);
        swiglu_forward(forward_params(out_dense, gate, up, rows, cols));
        QVERIFY(out == out_dense);
        SwigluBackward backward = backward_params(fused, fused, dout, rows, cols);
        backward.up = fused.from(cols);
        backward.gate_stride = backward.up_stride = 2 * cols;
        swiglu_backward(backward);
        swiglu_backward(backward_params(gate, up, dout, rows, cols));
        for (int64_t row = 0; row < rows; ++row) {
            for (int64_t i = 0; i < cols; ++i) {
                QCOMPARE(fused.at(row * 2 * cols + i), gate.at(row * cols + i));
                QCOMPARE(fused.at(row * 2 * cols + cols + i), up.at(row * cols + i));
            }
        }
    }

    void extreme_gates_data() { add_dtype_rows(); }
    /// exp must neither overflow into NaN nor lose the limit values.
    void extreme_gates() {
        const RowSetup setup;
        const float gates[] = {-3e38f, -200.0f, -89.0f, -87.0f, -0.0f, 0.0f, 87.0f, 200.0f, 3e38f};
        Buffer gate(setup.dtype, 9), up = gate, out = gate, truth = gate;
        for (int64_t i = 0; i < 9; ++i) {
            gate.set(i, gates[i]);
            up.set(i, 1.0f);
        }
        swiglu_forward(forward_params(out, gate, up, 1, 9));
        swiglu_reference_forward(forward_params(truth, gate, up, 1, 9));
        for (int64_t i = 0; i < 9; ++i) {
            const float difference = std::abs(out.at(i) - truth.at(i));
            QVERIFY(difference <= 1e-6f * std::abs(truth.at(i)) + 1e-35f);
        }
    }

    void backward_matches_differences() {
        const int64_t cols = 9;
        const Buffer gate = Buffer::normal(Dtype::Float32, cols, 1);
        const Buffer up = Buffer::normal(Dtype::Float32, cols, 2);
        const Buffer dout = Buffer::normal(Dtype::Float32, cols, 3);
        auto value = [](double g, double u) { return g / (1.0 + std::exp(-g)) * u; };
        Buffer dgate = gate, dup = up;
        swiglu_backward(backward_params(dgate, dup, dout, 1, cols));
        const double step = 1e-5;
        for (int64_t i = 0; i < cols; ++i) {
            const double g = gate.at(i), u = up.at(i), d = dout.at(i);
            const double gate_slope = (value(g + step, u) - value(g - step, u)) / (2 * step) * d;
            const double up_slope = (value(g, u + step) - value(g, u - step)) / (2 * step) * d;
            QVERIFY(std::abs(dgate.at(i) - gate_slope) < 1e-6);
            QVERIFY(std::abs(dup.at(i) - up_slope) < 1e-6);
        }
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        const int64_t rows = 150, cols = 203;
        QVERIFY(is_bit_equal_over_threads([&] {
            Buffer gate = Buffer::normal(setup.dtype, rows * cols, 1);
            Buffer up = Buffer::normal(setup.dtype, rows * cols, 2);
            const Buffer dout = Buffer::normal(setup.dtype, rows * cols, 3);
            Buffer out(setup.dtype, rows * cols);
            swiglu_forward(forward_params(out, gate, up, rows, cols));
            swiglu_backward(backward_params(gate, up, dout, rows, cols));
            return std::vector<Buffer>{out, gate, up};
        }));
    }
};

DAYRUN_TEST(TestSwiglu)
#include "test_swiglu.moc"
