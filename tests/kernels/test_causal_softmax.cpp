// kernels/causal_softmax: fast against reference in both directions, over offsets, windows, strides
// and widths beside the vector length, and what is not seen is zero.
#include "kernels/causal_softmax/causal_softmax.h"

#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

struct Case {
    int64_t rows, cols, first_query, first_key, window;
};
const Case kCases[] = {{1, 1, 0, 0, 0},    {5, 5, 0, 0, 0},     {7, 40, 33, 0, 0},
                       {64, 64, 0, 0, 0},  {16, 47, 40, 9, 12}, {9, 33, 24, 0, 100},
                       {3, 17, 30, 16, 1}, {64, 300, 236, 0, 0}};

}  // namespace

class TestCausalSoftmax : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void fast_equals_reference() {
        for (const Case& c : kCases) {
            const CausalBlock block{c.rows,        c.cols,      c.cols + 3,
                                    c.first_query, c.first_key, c.window};
            const int64_t count = c.rows * block.stride;
            const Buffer scores = Buffer::normal(Dtype::Float32, count, 1, 4.0f);
            const Buffer gradients = Buffer::normal(Dtype::Float32, count, 2);
            const auto copy = [&](const Buffer& from) {
                std::vector<float> values;
                for (int64_t i = 0; i < count; ++i) values.push_back(from.at(i));
                return values;
            };
            const auto rows = static_cast<size_t>(c.rows);
            std::vector<float> got = copy(scores), want = got, total(rows), want_total(rows);
            std::vector<float> sums(2 * rows), want_sums(2 * rows), delta(rows, 0.3f);
            causal_softmax_forward(got.data(), total.data(), sums.data(), 2, block);
            causal_softmax_reference_forward(want.data(), want_total.data(), want_sums.data(), 2,
                                             block);
            compare(got, want, block);
            for (size_t r = 0; r < rows; ++r) {
                QVERIFY(std::abs(total[r] - want_total[r]) < 2e-6f * want_total[r]);
                QVERIFY(std::abs(sums[2 * r] - want_sums[2 * r]) < 1e-5f);
            }
            std::vector<float> p = copy(scores), want_p = p, d = copy(gradients), want_d = d;
            causal_softmax_backward(p.data(), d.data(), want_sums.data(), 2, delta.data(), block);
            causal_softmax_reference_backward(want_p.data(), want_d.data(), want_sums.data(), 2,
                                              delta.data(), block);
            compare(p, want_p, block);
            compare(d, want_d, block);
        }
    }

    // Rounded results are those of float32 to bfloat16's last place, totals as exact as without.
    void narrow_results_are_the_rounded_ones() {
        for (const Case& c : kCases) {
            const CausalBlock block{c.rows,        c.cols,      c.cols + 3,
                                    c.first_query, c.first_key, c.window};
            const int64_t count = c.rows * block.stride;
            const auto rows = static_cast<size_t>(c.rows);
            Buffer scores = Buffer::normal(Dtype::Float32, count, 1, 4.0f), want = scores;
            Buffer narrow(Dtype::BFloat16, count), dnarrow = narrow;
            std::vector<float> total(rows), want_total(rows), sums(rows), want_sums(rows);
            const std::vector<float> delta(rows, 0.3f);
            causal_softmax_forward(scores.floats(), total.data(), sums.data(), 1, block,
                                   static_cast<bfloat16*>(narrow.data()));
            causal_softmax_reference_forward(want.floats(), want_total.data(), want_sums.data(), 1,
                                             block);
            compare_narrow(narrow, want, block);
            for (size_t r = 0; r < rows; ++r) {
                QVERIFY(std::abs(total[r] - want_total[r]) < 2e-5f * want_total[r]);
                QVERIFY(std::abs(sums[r] - want_sums[r]) < 2e-5f);
            }
            Buffer p = Buffer::normal(Dtype::Float32, count, 1, 4.0f), want_p = p;
            Buffer d = Buffer::normal(Dtype::Float32, count, 2), want_d = d;
            causal_softmax_backward(p.floats(), d.floats(), want_sums.data(), 1, delta.data(),
                                    block, static_cast<bfloat16*>(narrow.data()),
                                    static_cast<bfloat16*>(dnarrow.data()));
            causal_softmax_reference_backward(want_p.floats(), want_d.floats(), want_sums.data(), 1,
                                              delta.data(), block);
            compare_narrow(narrow, want_p, block);
            compare_narrow(dnarrow, want_d, block);
        }
    }

    void deltas_equal_the_reference_data() { add_dtype_rows(); }
    void deltas_equal_the_reference() {
        const RowSetup setup;
        for (const int64_t cols : {1, 16, 33, 64, 131}) {
            const Buffer dout = Buffer::normal(setup.dtype, 9 * (cols + 2), 1);
            const Buffer out = Buffer::normal(setup.dtype, 9 * (cols + 5), 2);
            Buffer fast(Dtype::Float32, 9), want(Dtype::Float32, 9);
            CausalDelta p{.delta = fast.floats(),
                          .dout = dout.data(),
                          .out = out.data(),
                          .dtype = setup.dtype,
                          .rows = 9,
                          .cols = cols,
                          .dout_stride = cols + 2,
                          .out_stride = cols + 5};
            causal_softmax_delta(p);
            p.delta = want.floats();
            causal_softmax_reference_delta(p);
            DAYRUN_COMPARE_CLOSE(fast, want, 2e-6);
        }
    }

  private:
    static void compare_narrow(const Buffer& got, const Buffer& want, const CausalBlock& block) {
        for (int64_t r = 0; r < block.rows; ++r) {
            for (int64_t c = 0; c < block.cols; ++c) {
                const int64_t i = r * block.stride + c;
                QVERIFY(std::abs(got.at(i) - want.at(i)) <= std::abs(want.at(i)) / 250 + 1e-7f);
            }
        }
    }

    // Inside a row; what lies between the rows must be as it was, which both sides share.
    static void compare(const std::vector<float>& got, const std::vector<float>& want,
                        const CausalBlock& block) {
        for (int64_t r = 0; r < block.rows; ++r) {
            for (int64_t c = 0; c < block.stride; ++c) {
                const auto i = static_cast<size_t>(r * block.stride + c);
                const int64_t query = block.first_query + r, key = block.first_key + c;
                const bool seen = key <= query && (block.window == 0 || key > query - block.window);
                if (c < block.cols && !seen) QCOMPARE(got[i], 0.0f);
                QVERIFY(std::abs(got[i] - want[i]) <= 2e-6f * (std::abs(want[i]) + 1e-3f));
            }
        }
    }
};

DAYRUN_TEST(TestCausalSoftmax)
#include "test_causal_softmax.moc"
