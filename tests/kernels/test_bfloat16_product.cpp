// bfloat16_product: sums of products against plain loops on awkward shapes and strides, the promise
// that a row's bits depend on nothing beside it, and the thin gradients.
#include <array>

#include "kernels/bfloat16_product/bfloat16_product.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

const bfloat16* narrow(const Buffer& buffer) {
    return static_cast<const bfloat16*>(buffer.data());
}

/// One term with its memory; rows are a little longer than they need to be.
struct Term {
    Term(WeightForm form, int64_t rows, int64_t cols, int64_t inner, float alpha, unsigned seed)
        : x_stride(inner + 3),
          w_stride((form == WeightForm::ColsByInner ? inner : cols) + 5),
          x(Buffer::normal(Dtype::BFloat16, rows * x_stride, seed)),
          w(Buffer::normal(Dtype::BFloat16,
                           (form == WeightForm::ColsByInner ? cols : inner) * w_stride, seed + 1)),
          term{narrow(x), narrow(w), inner, x_stride, w_stride, form, alpha} {}

    int64_t x_stride, w_stride;
    Buffer x, w;
    ProductTerm term;
};

}  // namespace

class TestBfloat16Product : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void init() {
        if (!has_bfloat16_product()) QSKIP("this processor has no AVX512-BF16");
    }

    void sums_equal_the_reference_data() {
        QTest::addColumn<int>("form");
        QTest::addColumn<int>("out");
        for (const WeightForm form : {WeightForm::ColsByInner, WeightForm::InnerByCols}) {
            for (const Dtype out : {Dtype::Float32, Dtype::BFloat16}) {
                QTest::addRow("form %d into %d", static_cast<int>(form), static_cast<int>(out))
                    << static_cast<int>(form) << static_cast<int>(out);
            }
        }
    }
    void sums_equal_the_reference() {
        QFETCH(int, form);
        QFETCH(int, out);
        const auto weights = static_cast<WeightForm>(form);
        const auto dtype = static_cast<Dtype>(out);
        // Every width of a panel, every rest of rows, odd inner extents, several groups of panels,
        // and inner extents beyond what one pass takes.
        for (const auto& [rows, cols, inner] : {std::array<int64_t, 3>{1, 1, 1},
                                                {5, 3, 2},
                                                {23, 16, 31},
                                                {31, 20, 33},
                                                {13, 48, 64},
                                                {11, 64, 100},
                                                {29, 130, 65},
                                                {7, 1100, 2100},
                                                {9, 70, 4200}}) {
            const int64_t stride = cols + 3;
            const Term thin(weights, rows, cols, 7, 0.3f, 1);
            const Term none(weights, rows, cols, 4, 0.0f, 3);
            const Term wide(weights, rows, cols, inner, 1.5f, 5);
            const ProductTerm terms[] = {thin.term, none.term, wide.term};
            const Buffer bias = Buffer::normal(Dtype::BFloat16, cols, 9);
            struct End {
                bool has_bias;
                float beta;
            };
            for (const End end : {End{true, 0.0f}, {false, 0.0f}, {false, 0.5f}, {false, 1.0f}}) {
                Buffer fast = Buffer::normal(dtype, rows * stride, 3);
                Buffer want = fast;
                Bfloat16Product p{.out = fast.data(),
                                  .out_dtype = dtype,
                                  .terms = terms,
                                  .term_count = 3,
                                  .rows = rows,
                                  .cols = cols,
                                  .out_stride = stride,
                                  .bias = end.has_bias ? narrow(bias) : nullptr,
                                  .beta = end.beta};
                bfloat16_product(p);
                p.out = want.data();
                bfloat16_product_reference(p);
                DAYRUN_COMPARE_CLOSE(fast, want, dtype == Dtype::Float32 ? 2e-6 : 8e-3);
            }
        }
    }

    void without_terms_the_bias_remains() {
        const Buffer bias = Buffer::normal(Dtype::BFloat16, 70, 1);
        Buffer out = Buffer::normal(Dtype::BFloat16, 3 * 70, 2);
        bfloat16_product(
            {.out = out.data(), .rows = 3, .cols = 70, .out_stride = 70, .bias = narrow(bias)});
        for (int64_t i = 0; i < out.count(); ++i) QCOMPARE(out.at(i), bias.at(i % 70));
    }

    void denormal_values_are_zero() {
        const bfloat16 tiny = to_bfloat16(1e-39f), one = to_bfloat16(1.0f);
        const ProductTerm term{.x = &tiny, .w = &one, .inner = 1, .x_stride = 1, .w_stride = 1};
        float out = 5.0f;
        bfloat16_product({.out = &out,
                          .out_dtype = Dtype::Float32,
                          .terms = &term,
                          .term_count = 1,
                          .rows = 1,
                          .cols = 1,
                          .out_stride = 1});
        QCOMPARE(out, 0.0f);
    }

    void a_row_depends_on_nothing_beside_it() {
        const int64_t rows = 61, cols = 130, inner = 4301;
        for (const WeightForm form : {WeightForm::ColsByInner, WeightForm::InnerByCols}) {
            const Term term(form, rows, cols, inner, 1.0f, 1);
            Buffer together(Dtype::Float32, rows * cols), alone(Dtype::Float32, rows * cols);
            Bfloat16Product p{.out = together.data(),
                              .out_dtype = Dtype::Float32,
                              .terms = &term.term,
                              .term_count = 1,
                              .rows = rows,
                              .cols = cols,
                              .out_stride = cols};
            bfloat16_product(p);
            p.rows = 1;
            for (int64_t row = 0; row < rows; ++row) {
                ProductTerm own = term.term;
                own.x += row * term.x_stride;
                p.terms = &own;
                p.out = alone.from(row * cols);
                bfloat16_product(p);
            }
            QVERIFY(together == alone);
        }
    }

    void same_bits_over_threads() {
        for (const int64_t cols : {400, 1300}) {
            const Term term(WeightForm::InnerByCols, 2100, cols, 90, 1.0f, 1);
            QVERIFY(is_bit_equal_over_threads([&] {
                Buffer out(Dtype::BFloat16, 2100 * cols);
                bfloat16_product({.out = out.data(),
                                  .terms = &term.term,
                                  .term_count = 1,
                                  .rows = 2100,
                                  .cols = cols,
                                  .out_stride = cols});
                return std::vector<Buffer>{out};
            }));
        }
    }

    void thin_gradients_equal_the_reference() {
        for (const auto& [rows, y_cols, x_cols] : {std::array<int64_t, 3>{1, 1, 1},
                                                   {3, 16, 70},
                                                   {70, 70, 16},
                                                   {1025, 5, 200},
                                                   {2049, 130, 3},
                                                   {33, 256, 256}}) {
            const int64_t y_stride = y_cols + 1, x_stride = x_cols + 2;
            const Buffer y = Buffer::normal(Dtype::BFloat16, rows * y_stride, 1);
            const Buffer x = Buffer::normal(Dtype::BFloat16, rows * x_stride, 2);
            const Buffer before = Buffer::normal(Dtype::Float32, y_cols * x_cols, 3);
            Bfloat16OuterProduct p{.y = narrow(y),
                                   .x = narrow(x),
                                   .rows = rows,
                                   .y_cols = y_cols,
                                   .x_cols = x_cols,
                                   .y_stride = y_stride,
                                   .x_stride = x_stride,
                                   .alpha = 0.7f};
            Buffer want = before;
            p.out = want.floats();
            bfloat16_outer_product_reference(p);
            QVERIFY(is_bit_equal_over_threads([&] {
                Buffer out = before;
                p.out = out.floats();
                bfloat16_outer_product(p);
                return std::vector<Buffer>{out};
            }));
            Buffer fast = before;
            p.out = fast.floats();
            bfloat16_outer_product(p);
            DAYRUN_COMPARE_CLOSE(fast, want, 2e-6);
        }
    }
};

DAYRUN_TEST(TestBfloat16Product)
#include "test_bfloat16_product.moc"
