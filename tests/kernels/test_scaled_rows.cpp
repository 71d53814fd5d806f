// scaled_rows: the reference's bits in every pair of types, with and without factors, and nothing
// written beside the rows.
#include "kernels/scaled_rows/scaled_rows.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

class TestScaledRows : public QObject {
    Q_OBJECT

    static void compare(Dtype from, Dtype to, int64_t cols, const float* factor) {
        constexpr int64_t kRows = 3;
        const int64_t out_stride = cols + 3, x_stride = cols + 5;
        const Buffer x = Buffer::normal(from, kRows * x_stride, 1);
        Buffer fast = Buffer::normal(to, kRows * out_stride, 2);
        Buffer want = fast;
        ScaledRows p{.x = x.data(),
                     .factor = factor,
                     .out_dtype = to,
                     .x_dtype = from,
                     .rows = kRows,
                     .cols = cols,
                     .out_stride = out_stride,
                     .x_stride = x_stride};
        p.out = fast.data();
        scaled_rows(p);
        p.out = want.data();
        scaled_rows_reference(p);
        QVERIFY(fast == want);
    }

  private Q_SLOTS:
    void equals_the_reference_data() { add_dtype_rows(); }
    void equals_the_reference() {
        const RowSetup setup;
        const std::vector<float> factor = {0.3f, -7.0f, 1e-20f};
        for (const int64_t cols : {1, 12, 48, 64, 131}) {
            for (const Dtype to : {Dtype::Float32, Dtype::BFloat16}) {
                compare(setup.dtype, to, cols, nullptr);
                compare(setup.dtype, to, cols, factor.data());
            }
        }
    }
};

DAYRUN_TEST(TestScaledRows)
#include "test_scaled_rows.moc"
