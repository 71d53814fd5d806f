// kernels/adamw8bit: reference data of bitsandbytes, a hand-made step, refusals, threads.
#include "kernels/adamw8bit/adamw8bit.h"

#include "kernels/blockwise8/blockwise8.h"
#include "tests/kernels/golden_file.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

using StepFunction = void (*)(const Adamw8bitTensor*, int64_t, const AdamwStep&);

/// One parameter with its 8-bit states.
struct Parameter {
    std::vector<float> param, absmax1, absmax2, grad;
    std::vector<uint8_t> state1, state2;

    explicit Parameter(std::vector<float> values) : param(std::move(values)) {
        const size_t blocks = (param.size() + 255) / 256;
        absmax1.resize(blocks);
        absmax2.resize(blocks);
        state1.resize(param.size());
        state2.resize(param.size());
        grad.resize(param.size());
    }
    Adamw8bitTensor tensor(float weight_decay) {
        Adamw8bitTensor t;
        t.param = param.data();
        t.state1 = state1.data();
        t.state2 = state2.data();
        t.absmax1 = absmax1.data();
        t.absmax2 = absmax2.data();
        t.grad = grad.data();
        t.count = static_cast<int64_t>(param.size());
        t.weight_decay = weight_decay;
        return t;
    }
};

std::vector<float> normal(size_t count, unsigned seed, float scale = 1.0f) {
    Buffer buffer = Buffer::normal(Dtype::Float32, static_cast<int64_t>(count), seed, scale);
    return {buffer.floats(), buffer.floats() + count};
}

int differing(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
    int count = 0;
    for (size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
    return count;
}

}  // namespace

class TestAdamw8bit : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void matches_bitsandbytes_data() { add_dtype_rows(); }
    void matches_bitsandbytes() {
        const RowSetup setup;
        DAYRUN_REQUIRE_SHARED(path, "goldens/adamw8bit.safetensors");
        const GoldenFile golden(path);
        for (const std::string size : {"5000", "8192"}) {
            Parameter parameter(golden.floats(size + ".param0"));
            AdamwStep step;
            step.learning_rate = 1e-3;
            for (step.step = 1; step.step <= 20; ++step.step) {
                const std::string prefix = size + ".step" + std::to_string(step.step);
                parameter.grad = golden.floats(prefix + ".grad");
                const Adamw8bitTensor tensor = parameter.tensor(0.01f);
                adamw8bit_step({.tensors = &tensor, .tensor_count = 1, .step = step});
                if (!golden.has(prefix + ".state1")) continue;
                const int wrong1 = differing(parameter.state1, golden.codes(prefix + ".state1"));
                const int wrong2 = differing(parameter.state2, golden.codes(prefix + ".state2"));
                QVERIFY2(wrong1 == 0 && wrong2 == 0,
                         qPrintable(QString("%1: %2 and %3 codes differ")
                                        .arg(prefix.c_str())
                                        .arg(wrong1)
                                        .arg(wrong2)));
                const auto close = [&](const std::vector<float>& ours, const char* name) {
                    const std::vector<float> theirs = golden.floats(prefix + name);
                    for (size_t i = 0; i < ours.size(); ++i) {
                        if (std::abs(ours[i] - theirs[i]) > 1e-6f) return false;
                    }
                    return true;
                };
                QVERIFY(close(parameter.param, ".param"));
                QVERIFY(close(parameter.absmax1, ".absmax1"));
                QVERIFY(close(parameter.absmax2, ".absmax2"));
            }
        }
    }

    void same_bits_as_reference_data() { add_dtype_rows(); }
    void same_bits_as_reference() {
        const RowSetup setup;
        Parameter fast(normal(4321, 1, 0.05f)), slow(fast.param);
        std::vector<bfloat16> fast_copy(4321), slow_copy(4321);
        AdamwStep step;
        step.learning_rate = 1e-2;
        const float clip = 0.7f;
        step.grad_scale = &clip;
        for (step.step = 1; step.step <= 12; ++step.step) {
            fast.grad = slow.grad = normal(4321, static_cast<unsigned>(10 + step.step));
            Adamw8bitTensor a = fast.tensor(0.1f), b = slow.tensor(0.1f);
            a.param_copy = fast_copy.data();
            b.param_copy = slow_copy.data();
            adamw8bit_step({.tensors = &a, .tensor_count = 1, .step = step});
            adamw8bit_reference_step({.tensors = &b, .tensor_count = 1, .step = step});
            QVERIFY(fast.state1 == slow.state1 && fast.state2 == slow.state2);
            QVERIFY(fast.param == slow.param && fast.absmax1 == slow.absmax1);
            QVERIFY(std::memcmp(fast_copy.data(), slow_copy.data(), 4321 * 2) == 0);
        }
    }

    /// From zero states, one step moves every parameter by lr against its gradient's sign.
    void first_step_by_hand() {
        Parameter parameter(std::vector<float>(4096, 1.0f));
        for (size_t i = 0; i < 4096; ++i) parameter.grad[i] = i % 2 == 0 ? 0.5f : -0.25f;
        AdamwStep step;
        step.learning_rate = 0.01;
        const Adamw8bitTensor tensor = parameter.tensor(0.0f);
        adamw8bit_step({.tensors = &tensor, .tensor_count = 1, .step = step});
        for (size_t i = 0; i < 4096; ++i) {
            QVERIFY(std::abs(parameter.param[i] - (i % 2 == 0 ? 0.99f : 1.01f)) < 1e-6f);
        }
        QVERIFY(std::abs(parameter.absmax1[0] - 0.05f) < 1e-8f);
        QVERIFY(std::abs(parameter.absmax2[3] - 0.00025f) < 1e-10f);
        const float* map = dynamic_map(MapSign::Signed);
        QCOMPARE(map[parameter.state1[0]], 1.0f);
        QVERIFY(std::abs(map[parameter.state1[1]] + 0.5f) < 0.01f);
    }

    void zero_gradients_keep_zero_states() {
        Parameter parameter(normal(5000, 1));
        const std::vector<float> before = parameter.param;
        const Adamw8bitTensor tensor = parameter.tensor(0.0f);
        AdamwStep step;
        step.learning_rate = 0.01;
        adamw8bit_step({.tensors = &tensor, .tensor_count = 1, .step = step});
        QVERIFY(parameter.param == before);
        QCOMPARE(parameter.absmax1[0], 0.0f);
        QCOMPARE(parameter.absmax2[19], 0.0f);
    }

    void bad_gradient_elements_data() { add_dtype_rows(); }
    void bad_gradient_elements() {
        const RowSetup setup;
        Parameter parameter(normal(4096, 1));
        const std::vector<float> before = parameter.param;
        parameter.grad = normal(4096, 2);
        parameter.grad[100] = INFINITY;
        parameter.grad[4095] = NAN;
        const Adamw8bitTensor tensor = parameter.tensor(0.1f);
        AdamwStep step;
        step.learning_rate = 0.01;
        adamw8bit_step({.tensors = &tensor, .tensor_count = 1, .step = step});
        QCOMPARE(parameter.param[100], before[100]);
        QCOMPARE(parameter.param[4095], before[4095]);
        QVERIFY(parameter.param[101] != before[101]);
        // The code of 0 stands for up to half a step of the table (blockwise8.h).
        QVERIFY(dynamic_map(MapSign::Unsigned)[parameter.state2[100]] < 2e-5f);
        for (const float value : parameter.param) QVERIFY(std::isfinite(value));
        for (const float value : parameter.absmax1) QVERIFY(std::isfinite(value));
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        QVERIFY(is_bit_equal_over_threads([&] {
            Parameter one(normal(40000, 1)), two(normal(4097, 2));
            one.grad = normal(40000, 3);
            two.grad = normal(4097, 4);
            const Adamw8bitTensor tensors[] = {one.tensor(0.1f), two.tensor(0.0f)};
            AdamwStep step;
            step.learning_rate = 0.01;
            adamw8bit_step({.tensors = tensors, .tensor_count = 2, .step = step});
            Buffer params(Dtype::Float32, 40000), states(Dtype::Float32, 10000);
            std::memcpy(params.data(), one.param.data(), 160000);
            std::memcpy(states.data(), one.state1.data(), 40000);
            return std::vector<Buffer>{params, states};
        }));
    }
};

DAYRUN_TEST(TestAdamw8bit)
#include "test_adamw8bit.moc"
