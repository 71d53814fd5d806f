// What bfloat16 costs in every family: loss within 0.5 % of a float32 run on the same rounded
// weights, and all adapter gradients as one vector in its direction (cosine at least 0.998).
// test_peft_bfloat16_slow.cpp compares that distance with PEFT's.
#include <QTest>

#include "kernels/bfloat16_product/bfloat16_product.h"
#include "kernels/common/simd.h"
#include "tests/engine/bfloat16_case.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
namespace kernels = dayrun::kernels;

class TestBfloat16 : public QObject {
    Q_OBJECT

    static void add_families() {
        QTest::addColumn<QString>("family");
        for (const std::string& family : kFamilies) {
            QTest::newRow(family.c_str()) << QString::fromStdString(family);
        }
    }

    static void check(const Bfloat16Case& bf16_case) {
        const auto want = loss_and_gradient(bf16_case, DtypeChoice::Float32);
        const auto got = loss_and_gradient(bf16_case, DtypeChoice::BFloat16);
        QVERIFY(want && got);
        const double off = std::abs(got->loss / want->loss - 1);
        const double distance = direction_distance(got->gradient, want->gradient);
        qInfo("loss off by %.4f %%, gradient's 1 - cosine %.2e", 100 * off, distance);
        QVERIFY(off < 5e-3);
        QVERIFY(distance <= 2e-3);
        QVERIFY(off > 0 && distance > 0);  // else both ran in float32
    }

  private Q_SLOTS:
    void goldens_data() { add_families(); }
    void goldens() {
        QFETCH(QString, family);
        const auto golden = shared_path("goldens/models/" + family.toStdString());
        if (!golden) QSKIP("reference data ../shared/goldens/models is not here");
        const auto bf16_case = rounded_golden(*golden);
        QVERIFY(bf16_case);
        check(*bf16_case);
    }

    void random_shapes_data() { add_families(); }
    void random_shapes() {
        check_random(12, 1);
        if (!QTest::currentTestFailed()) check_random(32, 2);
    }

    // Processors without AVX512-BF16 multiply by libraries and widen heads for attention.
    void without_the_own_products_data() { add_families(); }
    void without_the_own_products() {
        kernels::set_simd_level(kernels::SimdLevel::Avx2);
        QVERIFY(!kernels::has_bfloat16_product());
        check_random(32, 2);
    }
    void cleanup() { kernels::set_simd_level(kernels::highest_simd_level()); }

  private:
    static void check_random(int64_t head_dim, uint64_t seed) {
        QFETCH(QString, family);
        TinyModel shape;
        shape.vocab = 300;
        shape.hidden = 80;
        shape.intermediate = 192;
        shape.layers = 4;
        shape.head_dim = family == "qwen1" ? shape.hidden / shape.heads : head_dim;
        shape.weight_scale = 0.1;
        const auto bf16_case = random_case(of_family(family.toStdString(), shape), seed);
        QVERIFY(bf16_case);
        check(*bf16_case);
    }
};

DAYRUN_TEST(TestBfloat16)
#include "test_bfloat16.moc"
