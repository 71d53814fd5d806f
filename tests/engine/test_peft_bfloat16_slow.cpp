// bfloat16 against transformers + PEFT in bfloat16: on the same rounded weights, adapter and rows,
// the gradient's direction is at most 1.2 times as far from float32's as PEFT's is. PEFT as it
// comes: adapters in float32, sdpa. transformers has no class for Qwen 1, so that family is left
// to test_bfloat16.cpp.
#include <QTest>
#include <fstream>

#include "tests/engine/bfloat16_case.h"
#include "tests/support/peft_environment.h"
#include "tests/support/shared.h"
#include "tests/support/step_process.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

class TestPeftBfloat16Slow : public QObject {
    Q_OBJECT
    QString m_python;

    static void add_families() {
        QTest::addColumn<QString>("family");
        for (const std::string& family : kFamilies) {
            if (family != "qwen1") QTest::newRow(family.c_str()) << QString::fromStdString(family);
        }
    }

    /// PEFT's gradients in `dtype`; empty after printing why not.
    LossAndGradient peft(const Bfloat16Case& bf16_case, const std::string& dtype) const {
        const auto rows = (bf16_case.folder / "rows.jsonl").string();
        {
            std::ofstream file(rows);
            for (const PackedRow& row : bf16_case.rows) {
                const nlohmann::json line{{"input_ids", row.tokens}, {"labels", row.labels}};
                file << line.dump() << '\n';
            }
        }
        StepProcess process(m_python, {kPeftScripts + "train_steps.py"},
                            {{"model", bf16_case.base.string()},
                             {"adapter", bf16_case.adapter.string()},
                             {"dtype", dtype},
                             {"adapter_dtype", "float32"},
                             {"threads", 1},
                             {"learning_rate", 1e-4}});
        process.ask("rows " + rows);
        const auto file = bf16_case.folder / "peft.safetensors";
        LossAndGradient made{process.number("gradients " + file.string(), "loss"), {}};
        if (std::filesystem::exists(file)) made.gradient = gradient_in(file);
        if (made.gradient.empty()) qWarning("%s", process.problem().c_str());
        return made;
    }

    void check(const Bfloat16Case& bf16_case) const {
        const auto want = loss_and_gradient(bf16_case, DtypeChoice::Float32);
        const auto ours = loss_and_gradient(bf16_case, DtypeChoice::BFloat16);
        QVERIFY(want && ours);
        const LossAndGradient exact = peft(bf16_case, "float32");
        const LossAndGradient theirs = peft(bf16_case, "bfloat16");
        QVERIFY(std::abs(exact.loss / want->loss - 1) < 1e-5);
        QVERIFY(direction_distance(exact.gradient, want->gradient) < 1e-8);
        const double our_distance = direction_distance(ours->gradient, want->gradient);
        const double their_distance = direction_distance(theirs.gradient, want->gradient);
        qInfo("1 - cosine: Dayrun %.3e, PEFT %.3e = %.2fx; loss off by %.4f %% and %.4f %%",
              our_distance, their_distance, our_distance / their_distance,
              100 * std::abs(ours->loss / want->loss - 1),
              100 * std::abs(theirs.loss / want->loss - 1));
        QVERIFY(our_distance <= 1.2 * their_distance);
    }

  private Q_SLOTS:
    void initTestCase() {
        QString problem;
        m_python = make_peft_environment(problem);
        if (m_python.isEmpty()) QSKIP(qPrintable("PEFT cannot be installed here: " + problem));
    }

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
        QFETCH(QString, family);
        TinyModel shape;
        shape.vocab = 500;
        shape.hidden = 96;
        shape.intermediate = 256;
        shape.layers = 4;
        shape.head_dim = 24;
        shape.weight_scale = 0.1;
        const auto bf16_case = random_case(of_family(family.toStdString(), shape), 5);
        QVERIFY(bf16_case);
        check(*bf16_case);
    }
};

DAYRUN_TEST(TestPeftBfloat16Slow)
#include "test_peft_bfloat16_slow.moc"
