// few_rows: values against the reference on awkward shapes and strides, and the promise that a row
// has the same bits whatever rows stand beside it.
#include <array>

#include "kernels/few_rows/few_rows.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

class TestFewRows : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void equals_the_reference_data() { add_dtype_rows(); }
    void equals_the_reference() {
        const RowSetup setup;
        for (const auto& [rows, cols, inner] : {std::array<int64_t, 3>{1, 1, 1},
                                                {1, 7, 64},
                                                {3, 33, 47},
                                                {4, 64, 288},
                                                {16, 130, 65},
                                                {5, 3, 1000}}) {
            const int64_t out_stride = cols + 3, x_stride = inner + 5;
            const Buffer x = Buffer::normal(setup.dtype, rows * x_stride, 1);
            const Buffer w = Buffer::normal(setup.dtype, cols * inner, 2);
            for (const float beta : {0.0f, 1.0f}) {
                Buffer fast = Buffer::normal(setup.dtype, rows * out_stride, 3);
                Buffer want = fast;
                FewRowsProduct p{.x = x.data(),
                                 .w = w.data(),
                                 .dtype = setup.dtype,
                                 .rows = rows,
                                 .cols = cols,
                                 .inner = inner,
                                 .out_stride = out_stride,
                                 .x_stride = x_stride,
                                 .alpha = 0.5f,
                                 .beta = beta};
                p.out = fast.data();
                few_rows_product(p);
                p.out = want.data();
                few_rows_product_reference(p);
                DAYRUN_COMPARE_CLOSE(fast, want, setup.dtype == Dtype::Float32 ? 2e-6 : 8e-3);
            }
        }
    }

    void a_row_does_not_depend_on_its_neighbours_data() { add_dtype_rows(); }
    void a_row_does_not_depend_on_its_neighbours() {
        const RowSetup setup;
        const int64_t cols = 37, inner = 211;
        const Buffer w = Buffer::normal(setup.dtype, cols * inner, 2);
        Buffer x = Buffer::normal(setup.dtype, kFewRows * inner, 1);
        for (int64_t rows = 1; rows <= kFewRows; ++rows) {
            Buffer together(setup.dtype, rows * cols), alone(setup.dtype, rows * cols);
            FewRowsProduct p{.out = together.data(),
                             .x = x.data(),
                             .w = w.data(),
                             .dtype = setup.dtype,
                             .rows = rows,
                             .cols = cols,
                             .inner = inner};
            few_rows_product(p);
            p.rows = 1;
            for (int64_t row = 0; row < rows; ++row) {
                p.x = x.from(row * inner);
                p.out = alone.from(row * cols);
                few_rows_product(p);
            }
            QVERIFY(together == alone);
        }
    }

    void same_bits_over_threads() {
        const Buffer x = Buffer::normal(Dtype::Float32, 5 * 300, 1);
        const Buffer w = Buffer::normal(Dtype::Float32, 501 * 300, 2);
        QVERIFY(is_bit_equal_over_threads([&] {
            Buffer out(Dtype::Float32, 5 * 501);
            few_rows_product({.out = out.data(),
                              .x = x.data(),
                              .w = w.data(),
                              .rows = 5,
                              .cols = 501,
                              .inner = 300});
            return std::vector<Buffer>{out};
        }));
    }
};

DAYRUN_TEST(TestFewRows)
#include "test_few_rows.moc"
