// kernels/adamw: steps against the reference, clip, skip, copies, many tensors, threads.
#include "kernels/adamw/adamw.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

/// A few tensors of odd sizes with their states; the second longer than one chunk.
struct Model {
    std::vector<Buffer> param, m, v, grad, copy;
    std::vector<AdamwTensor> tensors;

    Model() {
        unsigned seed = 1;
        for (const int64_t count :
             {int64_t{1}, int64_t{40001}, int64_t{17}, int64_t{0}, int64_t{333}}) {
            param.push_back(Buffer::normal(Dtype::Float32, count, seed++, 0.05f));
            grad.push_back(Buffer::normal(Dtype::Float32, count, seed++));
            m.emplace_back(Dtype::Float32, count);
            v.emplace_back(Dtype::Float32, count);
            copy.emplace_back(Dtype::BFloat16, count);
        }
    }
    void step(const AdamwStep& step, void (*function)(const AdamwUpdate&)) {
        tensors.clear();
        for (size_t i = 0; i < param.size(); ++i) {
            AdamwTensor tensor;
            tensor.param = param[i].floats();
            tensor.m = m[i].floats();
            tensor.v = v[i].floats();
            tensor.param_copy = static_cast<bfloat16*>(copy[i].data());
            tensor.grad = grad[i].floats();
            tensor.count = param[i].count();
            tensor.weight_decay = i % 2 == 0 ? 0.0f : 0.1f;
            tensors.push_back(tensor);
        }
        function({.tensors = tensors.data(),
                  .tensor_count = static_cast<int64_t>(tensors.size()),
                  .step = step});
    }
};

}  // namespace

class TestAdamw : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void thirty_steps_match_reference_data() { add_dtype_rows(); }
    void thirty_steps_match_reference() {
        const RowSetup setup;
        Model fast, reference;
        AdamwStep step;
        step.learning_rate = 1e-3;
        const float clip = 0.3f;
        step.grad_scale = &clip;
        for (step.step = 1; step.step <= 30; ++step.step) {
            for (size_t i = 0; i < fast.grad.size(); ++i) {
                fast.grad[i] = Buffer::normal(
                    Dtype::Float32, fast.grad[i].count(),
                    static_cast<unsigned>(100 * step.step + static_cast<int64_t>(i)));
                reference.grad[i] = fast.grad[i];
            }
            fast.step(step, adamw_step);
            reference.step(step, adamw_reference_step);
        }
        for (size_t i = 0; i < fast.param.size(); ++i) {
            DAYRUN_COMPARE_CLOSE(fast.param[i], reference.param[i], 1e-6);
            DAYRUN_COMPARE_CLOSE(fast.m[i], reference.m[i], 1e-6);
            DAYRUN_COMPARE_CLOSE(fast.v[i], reference.v[i], 1e-6);
            QVERIFY(fast.copy[i] == fast.param[i].as(Dtype::BFloat16));
        }
    }

    /// One step by hand: t = 1 makes the update lr * sign(g), after the decay.
    void first_step_by_hand() {
        float param = 2.0f, m = 0.0f, v = 0.0f, grad = -0.5f;
        AdamwTensor tensor;
        tensor.param = &param;
        tensor.m = &m;
        tensor.v = &v;
        tensor.grad = &grad;
        tensor.count = 1;
        tensor.weight_decay = 0.1f;
        AdamwStep step;
        step.learning_rate = 0.01;
        adamw_step({.tensors = &tensor, .tensor_count = 1, .step = step});
        QVERIFY(std::abs(m - -0.05f) < 1e-8f);
        QVERIFY(std::abs(v - 0.00025f) < 1e-10f);
        QVERIFY(std::abs(param - (2.0f * (1.0f - 0.001f) + 0.01f)) < 1e-6f);
    }

    void skip_leaves_everything() {
        Model model;
        const Model before = model;
        int32_t skip = 1;
        AdamwStep step;
        step.learning_rate = 1.0;
        step.skip = &skip;
        model.step(step, adamw_step);
        QVERIFY(model.param == before.param && model.m == before.m && model.v == before.v);
        skip = 0;
        model.step(step, adamw_step);
        QVERIFY(!(model.param == before.param));
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        QVERIFY(is_bit_equal_over_threads([&] {
            Model model;
            AdamwStep step;
            step.learning_rate = 1e-2;
            model.step(step, adamw_step);
            std::vector<Buffer> all = model.param;
            all.insert(all.end(), model.v.begin(), model.v.end());
            return all;
        }));
    }
};

DAYRUN_TEST(TestAdamw)
#include "test_adamw.moc"
