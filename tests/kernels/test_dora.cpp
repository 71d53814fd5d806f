// kernels/dora: fast against reference on awkward shapes and strides, rows of length zero, base
// lying on the output, threads.
#include "kernels/dora/dora.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

const int64_t kShapes[][2] = {{1, 1}, {3, 5}, {2, 16}, {5, 31}, {70, 100}, {7, 768}};

/// All parts of one shape, the rows of the gradient wider than the matrix.
struct Parts {
    int64_t tokens, cols, stride;
    Buffer out, base, lora, dy, bias, scale, norm;

    Parts(Dtype dtype, int64_t rows, int64_t width)
        : tokens(rows),
          cols(width),
          stride(width + 3),
          out(Buffer::normal(dtype, tokens * stride, 1)),
          base(Buffer::normal(dtype, tokens * cols, 2)),
          lora(Buffer::normal(dtype, tokens * cols, 3)),
          dy(Buffer::normal(dtype, tokens * stride, 4)),
          bias(Buffer::normal(dtype, cols, 5)),
          scale(Buffer::normal(Dtype::Float32, cols, 6)),
          norm(Buffer::normal(Dtype::Float32, cols, 7)) {
        for (int64_t i = 0; i < cols; ++i) norm.set(i, 0.5f + std::abs(norm.at(i)));
        norm.set(0, 0.0f);
    }

    Buffer forward(void (*function)(const DoraForward&), bool is_in_place) const {
        Buffer y = out;
        DoraForward p{.base = base.data(),
                      .lora = lora.data(),
                      .scale = reinterpret_cast<const float*>(scale.data()),
                      .bias = bias.data(),
                      .dtype = out.dtype(),
                      .tokens = tokens,
                      .cols = cols,
                      .out_stride = stride};
        p.out = y.data();
        if (is_in_place) {
            p.base = y.data();
            p.base_stride = stride;
        }
        function(p);
        return y;
    }
    Buffer scaled(void (*function)(const DoraScale&), float minus) const {
        Buffer made(dy.dtype(), tokens * cols);
        function({.out = made.data(),
                  .dy = dy.data(),
                  .scale = reinterpret_cast<const float*>(scale.data()),
                  .minus = minus,
                  .dtype = dy.dtype(),
                  .tokens = tokens,
                  .cols = cols,
                  .dy_stride = stride});
        return made;
    }
    Buffer magnitude(void (*function)(const DoraMagnitude&)) const {
        Buffer sums = Buffer::normal(Dtype::Float32, cols, 8);
        function({.dmagnitude = sums.floats(),
                  .dy = dy.data(),
                  .base = base.data(),
                  .lora = lora.data(),
                  .norm = reinterpret_cast<const float*>(norm.data()),
                  .dtype = dy.dtype(),
                  .tokens = tokens,
                  .cols = cols,
                  .dy_stride = stride});
        return sums;
    }
};

}  // namespace

class TestDora : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void equals_the_reference_data() { add_dtype_rows(); }
    void equals_the_reference() {
        const RowSetup setup;
        // One rounding of bfloat16, or a few of float32.
        const double tolerance = setup.dtype == Dtype::BFloat16 ? 4e-3 : 5e-7;
        for (const auto& [tokens, cols] : kShapes) {
            const Parts parts(setup.dtype, tokens, cols);
            for (const bool is_in_place : {false, true}) {
                DAYRUN_COMPARE_CLOSE(parts.forward(dora_forward, is_in_place),
                                     parts.forward(dora_reference_forward, is_in_place), tolerance);
            }
            for (const float minus : {0.0f, 1.0f}) {
                DAYRUN_COMPARE_CLOSE(parts.scaled(dora_scale, minus),
                                     parts.scaled(dora_reference_scale, minus), tolerance);
            }
            DAYRUN_COMPARE_CLOSE(parts.magnitude(dora_magnitude),
                                 parts.magnitude(dora_reference_magnitude), 2e-6);
        }
    }

    void lengths_of_rows() {
        const int64_t rows = 5, cols = 1300;
        Buffer weight = Buffer::normal(Dtype::Float32, rows * cols, 1);
        for (int64_t i = 0; i < cols; ++i) weight.set(2 * cols + i, 0.0f);
        const Buffer magnitude = Buffer::normal(Dtype::Float32, rows, 2);
        Buffer norm(Dtype::Float32, rows), scale = norm, want_norm = norm, want_scale = norm;
        DoraNorms p{.norm = norm.floats(),
                    .scale = scale.floats(),
                    .weight = weight.floats(),
                    .magnitude = reinterpret_cast<const float*>(magnitude.data()),
                    .rows = rows,
                    .cols = cols};
        dora_norms(p);
        p.norm = want_norm.floats();
        p.scale = want_scale.floats();
        dora_reference_norms(p);
        DAYRUN_COMPARE_CLOSE(norm, want_norm, 3e-7);
        DAYRUN_COMPARE_CLOSE(scale, want_scale, 6e-7);
        QCOMPARE(norm.at(2), 0.0f);
        QCOMPARE(scale.at(2), 1.0f);
    }

    void same_bits_over_threads() {
        const Parts parts(Dtype::Float32, 130, 203);
        const Buffer weight = Buffer::normal(Dtype::Float32, 90 * 203, 9);
        QVERIFY(is_bit_equal_over_threads([&] {
            Buffer norm(Dtype::Float32, 90);
            dora_norms({.norm = norm.floats(),
                        .weight = reinterpret_cast<const float*>(weight.data()),
                        .rows = 90,
                        .cols = 203});
            return std::vector<Buffer>{parts.forward(dora_forward, false),
                                       parts.scaled(dora_scale, 1.0f),
                                       parts.magnitude(dora_magnitude), norm};
        }));
    }
};

DAYRUN_TEST(TestDora)
#include "test_dora.moc"
