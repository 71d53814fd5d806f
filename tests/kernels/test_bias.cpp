// bias: fill and column sums against the reference on awkward shapes and strides; the same sums
// under any threads.
#include <array>

#include "kernels/bias/bias.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

class TestBias : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void equals_the_reference_data() { add_dtype_rows(); }
    void equals_the_reference() {
        const RowSetup setup;
        for (const auto& [rows, cols] :
             {std::array<int64_t, 2>{1, 1}, {3, 64}, {70, 129}, {257, 65}}) {
            const int64_t stride = cols + 7;
            const Buffer bias = Buffer::normal(setup.dtype, cols, 1);
            Buffer fast = Buffer::normal(setup.dtype, rows * stride, 2);
            Buffer want = fast;
            BiasFill fill{.bias = bias.data(),
                          .dtype = setup.dtype,
                          .rows = rows,
                          .cols = cols,
                          .y_stride = stride};
            fill.y = fast.data();
            bias_fill(fill);
            fill.y = want.data();
            bias_reference_fill(fill);
            QVERIFY(fast == want);

            const Buffer dy = Buffer::normal(setup.dtype, rows * stride, 3);
            Buffer sums = Buffer::normal(Dtype::Float32, cols, 4);
            Buffer right = sums;
            BiasBackward back{.dy = dy.data(),
                              .dtype = setup.dtype,
                              .rows = rows,
                              .cols = cols,
                              .dy_stride = stride};
            back.dbias = static_cast<float*>(sums.data());
            bias_backward(back);
            back.dbias = static_cast<float*>(right.data());
            bias_reference_backward(back);
            DAYRUN_COMPARE_CLOSE(sums, right, 1e-5);
        }
    }

    void same_bits_over_threads() {
        const Buffer dy = Buffer::normal(Dtype::Float32, 100 * 300, 1);
        QVERIFY(is_bit_equal_over_threads([&] {
            Buffer sums(Dtype::Float32, 300);
            bias_backward({.dbias = static_cast<float*>(sums.data()),
                           .dy = dy.data(),
                           .rows = 100,
                           .cols = 300});
            return std::vector<Buffer>{sums};
        }));
    }
};

DAYRUN_TEST(TestBias)
#include "test_bias.moc"
