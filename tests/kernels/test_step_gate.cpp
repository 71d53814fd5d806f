// step_gate: losses add up over micro-batches, the norm and its clip coefficient are grad_norm's,
// and a loss or gradient that is not finite closes the gate.
#include <cmath>
#include <limits>

#include "kernels/step_gate/step_gate.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

class TestStepGate : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void adds_losses_and_clips() {
        const std::vector<float> losses = {1.5f, 2.25f, 0.25f}, gradient = {3.0f, 4.0f};
        StepGate gate;
        add_losses({.gate = &gate, .losses = losses.data(), .count = 3, .divisor = 8});
        add_losses({.gate = &gate, .losses = losses.data(), .count = 1, .divisor = 2});
        QCOMPARE(gate.loss, 0.5 + 0.75);
        const GradTensor tensor{gradient.data(), 2};
        close_step({.gate = &gate, .tensors = &tensor, .tensor_count = 1, .max_norm = 1});
        QCOMPARE(gate.norm, 5.0);
        QCOMPARE(gate.clip, clip_coefficient(5.0, 1));
        QCOMPARE(gate.skip, 0);
        close_step({.gate = &gate, .tensors = &tensor, .tensor_count = 1, .skips = true});
        QCOMPARE(gate.clip, 1.0f);
        QCOMPARE(gate.skip, 1);
    }

    void closes_on_what_is_not_finite() {
        const float bad = std::numeric_limits<float>::infinity(), good = 1;
        const GradTensor good_tensor{&good, 1}, bad_tensor{&bad, 1};
        StepGate gate;
        close_step({.gate = &gate, .tensors = &bad_tensor, .tensor_count = 1});
        QCOMPARE(gate.skip, 1);
        gate = {};
        add_losses({.gate = &gate, .losses = &bad, .count = 1});
        close_step({.gate = &gate, .tensors = &good_tensor, .tensor_count = 1});
        QCOMPARE(gate.skip, 1);
        QVERIFY(!std::isfinite(gate.loss));
    }
};

DAYRUN_TEST(TestStepGate)
#include "test_step_gate.moc"
