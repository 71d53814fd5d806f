// kernels/rope: fast against reference, partial rotation, strides, inverse, threads.
#include "kernels/rope/rope.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

constexpr int64_t kTableRows = 50;

/// The usual table: angle = position * 10000^(-2i/d).
struct Tables {
    std::vector<float> cos, sin;
    std::vector<int32_t> position_ids;
    Tables(int64_t rotary_dim, int64_t tokens) {
        for (int64_t p = 0; p < kTableRows; ++p) {
            for (int64_t i = 0; i < rotary_dim / 2; ++i) {
                const double angle =
                    static_cast<double>(p) * std::pow(10000.0, -2.0 * static_cast<double>(i) /
                                                                   static_cast<double>(rotary_dim));
                cos.push_back(static_cast<float>(std::cos(angle)));
                sin.push_back(static_cast<float>(std::sin(angle)));
            }
        }
        for (int64_t t = 0; t < tokens; ++t) {
            position_ids.push_back(static_cast<int32_t>((t * 7 + 3) % kTableRows));
        }
    }
};

struct Shape {
    int64_t tokens, q_heads, k_heads, head_dim, rotary_dim;
};
const Shape kShapes[] = {{1, 1, 1, 2, 0},   {3, 4, 2, 8, 0},   {5, 6, 6, 48, 0},
                         {7, 9, 3, 64, 0},  {4, 3, 1, 128, 0}, {3, 2, 2, 80, 20},
                         {6, 5, 1, 34, 34}, {2, 2, 1, 256, 64}};

Rope make_params(const Shape& shape, const Tables& tables, Buffer& q, Buffer& k) {
    Rope p;
    p.q = q.data();
    p.k = k.data();
    p.cos = tables.cos.data();
    p.sin = tables.sin.data();
    p.position_ids = tables.position_ids.data();
    p.dtype = q.dtype();
    p.tokens = shape.tokens;
    p.q_heads = shape.q_heads;
    p.k_heads = shape.k_heads;
    p.head_dim = shape.head_dim;
    p.rotary_dim = shape.rotary_dim;
    return p;
}

int64_t rotary(const Shape& shape) {
    return shape.rotary_dim != 0 ? shape.rotary_dim : shape.head_dim;
}

}  // namespace

class TestRope : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void both_directions_match_reference_data() { add_dtype_rows(); }
    /// A rotation has no sum: each result is within one rounding of the reference's.
    void both_directions_match_reference() {
        const RowSetup setup;
        const double tolerance = setup.dtype == Dtype::Float32 ? 2e-7 : 0.0079;
        for (const Shape& shape : kShapes) {
            const Tables tables(rotary(shape), shape.tokens);
            Buffer q =
                Buffer::normal(setup.dtype, shape.tokens * shape.q_heads * shape.head_dim, 1);
            Buffer k =
                Buffer::normal(setup.dtype, shape.tokens * shape.k_heads * shape.head_dim, 2);
            Buffer q_back = q, k_back = k, q_truth = q, k_truth = k, q_back_truth = q,
                   k_back_truth = k;
            rope_forward(make_params(shape, tables, q, k));
            rope_reference_forward(make_params(shape, tables, q_truth, k_truth));
            rope_backward(make_params(shape, tables, q_back, k_back));
            rope_reference_backward(make_params(shape, tables, q_back_truth, k_back_truth));
            DAYRUN_COMPARE_CLOSE(q, q_truth, tolerance);
            DAYRUN_COMPARE_CLOSE(k, k_truth, tolerance);
            DAYRUN_COMPARE_CLOSE(q_back, q_back_truth, tolerance);
            DAYRUN_COMPARE_CLOSE(k_back, k_back_truth, tolerance);
        }
    }

    void known_angle() {
        // One pair turned by 90 degrees: (1, 2) becomes (-2, 1), and back.
        Buffer q(Dtype::Float32, 2);
        q.set(0, 1.0f);
        q.set(1, 2.0f);
        const float cosine = 0.0f, sine = 1.0f;
        const int32_t position = 0;
        Rope p;
        p.q = q.data();
        p.cos = &cosine;
        p.sin = &sine;
        p.position_ids = &position;
        p.tokens = 1;
        p.q_heads = 1;
        p.head_dim = 2;
        rope_forward(p);
        QCOMPARE(q.at(0), -2.0f);
        QCOMPARE(q.at(1), 1.0f);
        rope_backward(p);
        QCOMPARE(q.at(0), 1.0f);
        QCOMPARE(q.at(1), 2.0f);
    }

    /// The backward is the transpose: <R a, b> = <a, R' b>.
    void backward_is_the_transpose() {
        const Shape shape{4, 3, 2, 24, 16};
        const Tables tables(16, shape.tokens);
        const Buffer a = Buffer::normal(Dtype::Float32, 4 * 3 * 24, 1);
        const Buffer b = Buffer::normal(Dtype::Float32, 4 * 3 * 24, 2);
        Buffer k(Dtype::Float32, 4 * 2 * 24);
        Buffer turned = a, turned_back = b;
        rope_forward(make_params(shape, tables, turned, k));
        rope_backward(make_params(shape, tables, turned_back, k));
        double left = 0.0, right = 0.0;
        for (int64_t i = 0; i < a.count(); ++i) {
            left += static_cast<double>(turned.at(i)) * b.at(i);
            right += static_cast<double>(a.at(i)) * turned_back.at(i);
        }
        QVERIFY(std::abs(left - right) < 1e-4);
    }

    void slices_of_a_fused_buffer_data() { add_dtype_rows(); }
    /// q and k inside [tokens, q | k | v]: v and what lies behind rotary_dim keep their bits.
    void slices_of_a_fused_buffer() {
        const RowSetup setup;
        const Shape shape{5, 4, 2, 20, 12};
        const int64_t stride = (4 + 2 + 2) * 20;
        const Tables tables(12, shape.tokens);
        Buffer fused = Buffer::normal(setup.dtype, shape.tokens * stride, 1);
        const Buffer before = fused;
        Buffer q(setup.dtype, shape.tokens * 80), k(setup.dtype, shape.tokens * 40);
        for (int64_t t = 0; t < shape.tokens; ++t) {
            for (int64_t i = 0; i < 80; ++i) q.set(t * 80 + i, fused.at(t * stride + i));
            for (int64_t i = 0; i < 40; ++i) k.set(t * 40 + i, fused.at(t * stride + 80 + i));
        }
        rope_forward(make_params(shape, tables, q, k));
        Rope p = make_params(shape, tables, fused, fused);
        p.k = fused.from(80);
        p.q_stride = p.k_stride = stride;
        rope_forward(p);
        for (int64_t t = 0; t < shape.tokens; ++t) {
            for (int64_t i = 0; i < stride; ++i) {
                const float expected = i < 80    ? q.at(t * 80 + i)
                                       : i < 120 ? k.at(t * 40 + i - 80)
                                                 : before.at(t * stride + i);
                QCOMPARE(fused.at(t * stride + i), expected);
                if (i < 120 && i % 20 >= 12) QCOMPARE(expected, before.at(t * stride + i));
            }
        }
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        const Shape shape{301, 4, 2, 48, 0};
        const Tables tables(48, shape.tokens);
        QVERIFY(is_bit_equal_over_threads([&] {
            Buffer q = Buffer::normal(setup.dtype, 301 * 4 * 48, 1);
            Buffer k = Buffer::normal(setup.dtype, 301 * 2 * 48, 2);
            rope_forward(make_params(shape, tables, q, k));
            return std::vector<Buffer>{q, k};
        }));
    }
};

DAYRUN_TEST(TestRope)
#include "test_rope.moc"
