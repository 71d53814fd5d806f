// gather_rows: values against the reference, zeros where no row is named, and the scatter that an
// inverse index makes of it.
#include "kernels/gather_rows/gather_rows.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

class TestGatherRows : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void equals_the_reference_data() { add_dtype_rows(); }
    void equals_the_reference() {
        const RowSetup setup;
        for (const int64_t cols : {1, 7, 64, 301}) {
            const std::vector<int32_t> source = {3, -1, 0, 4, 4, -100, 1};
            const auto rows = static_cast<int64_t>(source.size());
            const int64_t out_stride = cols + 3, from_stride = cols + 5;
            const Buffer from = Buffer::normal(setup.dtype, 5 * from_stride, 1);
            Buffer fast = Buffer::normal(setup.dtype, rows * out_stride, 2);
            Buffer want = fast;
            GatherRows p{.from = from.data(),
                         .source = source.data(),
                         .dtype = setup.dtype,
                         .rows = rows,
                         .cols = cols,
                         .out_stride = out_stride,
                         .from_stride = from_stride};
            p.out = fast.data();
            gather_rows(p);
            p.out = want.data();
            gather_rows_reference(p);
            QVERIFY(fast == want);
        }
    }

    void an_inverse_index_scatters() {
        const Buffer from = Buffer::normal(Dtype::Float32, 2 * 3, 1);
        Buffer out = Buffer::normal(Dtype::Float32, 4 * 3, 2);
        const std::vector<int32_t> source = {-1, 1, -1, 0};
        gather_rows({.out = out.data(),
                     .from = from.data(),
                     .source = source.data(),
                     .rows = 4,
                     .cols = 3});
        for (int64_t c = 0; c < 3; ++c) {
            QCOMPARE(out.at(c), 0.0f);
            QCOMPARE(out.at(3 + c), from.at(3 + c));
            QCOMPARE(out.at(6 + c), 0.0f);
            QCOMPARE(out.at(9 + c), from.at(c));
        }
    }
};

DAYRUN_TEST(TestGatherRows)
#include "test_gather_rows.moc"
