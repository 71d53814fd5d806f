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

  private:
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
