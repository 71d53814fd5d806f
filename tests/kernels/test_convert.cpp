// kernels/convert: bit-equal to the reference over both types, adding, strides and threads.
#include "kernels/convert/convert.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

class TestConvert : public QObject {
    Q_OBJECT

    static Buffer converted(void (*function)(const ConvertRows&), Dtype to, const Buffer& x,
                            int64_t rows, int64_t cols, bool adds) {
        const int64_t stride = cols + 5;
        Buffer out = Buffer::normal(to, rows * stride, 2);
        function({.out = out.data(),
                  .x = x.data(),
                  .out_dtype = to,
                  .x_dtype = x.dtype(),
                  .adds = adds,
                  .rows = rows,
                  .cols = cols,
                  .out_stride = stride});
        return out;
    }

  private Q_SLOTS:
    void equals_the_reference_data() { add_dtype_rows(); }
    void equals_the_reference() {
        const RowSetup setup;
        for (const Dtype to : {Dtype::Float32, Dtype::BFloat16}) {
            for (const int64_t cols : {1, 15, 16, 77}) {
                const Buffer x = Buffer::normal(setup.dtype, 6 * cols, 1);
                for (const bool adds : {false, true}) {
                    QVERIFY(converted(convert_rows, to, x, 6, cols, adds) ==
                            converted(convert_reference_rows, to, x, 6, cols, adds));
                }
            }
        }
    }

    void same_bits_over_threads() {
        const Buffer x = Buffer::normal(Dtype::Float32, 300 * 200, 1);
        QVERIFY(is_bit_equal_over_threads([&] {
            return std::vector<Buffer>{converted(convert_rows, Dtype::BFloat16, x, 300, 200, true)};
        }));
    }
};

DAYRUN_TEST(TestConvert)
#include "test_convert.moc"
