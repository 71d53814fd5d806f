// kernels/grad_norm: value, overflow, finiteness, clipping, threads.
#include "kernels/grad_norm/grad_norm.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

class TestGradNorm : public QObject {
    Q_OBJECT

    static GradNorm norm_of(std::vector<Buffer>& grads,
                            GradNorm (*function)(const GradTensor*, int64_t) = grad_norm) {
        std::vector<GradTensor> tensors;
        for (Buffer& grad : grads) tensors.push_back({grad.floats(), grad.count()});
        return function(tensors.data(), static_cast<int64_t>(tensors.size()));
    }

    static std::vector<Buffer> some_gradients(float scale) {
        return {Buffer::normal(Dtype::Float32, 1, 1, scale),
                Buffer::normal(Dtype::Float32, 200003, 2, scale), Buffer(Dtype::Float32, 0),
                Buffer::normal(Dtype::Float32, 31, 3, scale),
                Buffer::normal(Dtype::Float32, 65536, 4, scale)};
    }

  private Q_SLOTS:
    void matches_reference_data() { add_dtype_rows(); }
    /// 1e-30 and 1e25 have squares outside float32.
    void matches_reference() {
        const RowSetup setup;
        for (const float scale : {1.0f, 1e-30f, 1e25f}) {
            std::vector<Buffer> grads = some_gradients(scale);
            const GradNorm norm = norm_of(grads);
            const GradNorm truth = norm_of(grads, grad_norm_reference);
            QVERIFY(norm.finite && truth.finite);
            QVERIFY(std::abs(norm.norm - truth.norm) <= 1e-12 * truth.norm);
        }
        QCOMPARE(grad_norm(nullptr, 0).norm, 0.0);
    }

    void one_bad_element_shows_data() { add_dtype_rows(); }
    void one_bad_element_shows() {
        const RowSetup setup;
        for (const float bad : {INFINITY, -INFINITY, static_cast<float>(NAN)}) {
            for (const int64_t at : {0, 65535, 65536, 199999, 200002}) {
                std::vector<Buffer> grads = some_gradients(1.0f);
                grads[1].set(at, bad);
                QVERIFY(!norm_of(grads).finite);
            }
        }
    }

    void clips_as_pytorch() {
        QCOMPARE(clip_coefficient(0.5, 1.0), 1.0f);
        QCOMPARE(clip_coefficient(4.0, 1.0), static_cast<float>(1.0 / (4.0 + 1e-6)));
        QCOMPARE(clip_coefficient(4.0, 0.0), 1.0f);
        QCOMPARE(clip_coefficient(0.0, 1.0), 1.0f);
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        std::vector<Buffer> grads = some_gradients(1.0f);
        QVERIFY(is_bit_equal_over_threads([&] {
            const double norm = norm_of(grads).norm;
            Buffer bits(Dtype::Float32, 2);
            std::memcpy(bits.data(), &norm, sizeof(norm));
            return std::vector<Buffer>{bits};
        }));
    }
};

DAYRUN_TEST(TestGradNorm)
#include "test_grad_norm.moc"
