// kernels/cross_entropy on a device.
#include "kernels/cross_entropy/cross_entropy.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t rows, vocab;
    int64_t offset = 0;      // elements that the logits lie off their alignment
    int64_t extra_cols = 0;  // a stride beyond dense
};

const Shape kShapes[] = {{3, 1},    {4, 7},       {5, 512},         {2, 4096},
                         {3, 9001}, {2, 5000, 1}, {3, 1000, 0, 24}, {3, 1000, 0, 3}};

std::vector<int32_t> labels_of(const Shape& shape) {
    std::vector<int32_t> labels;
    for (int64_t r = 0; r < shape.rows; ++r) {
        labels.push_back(static_cast<int32_t>((r * 911 + shape.vocab - 1) % shape.vocab));
    }
    if (shape.rows > 3) labels[1] = kIgnoredLabel;
    return labels;
}

/// Loss, logsumexp and what became of the logits.
struct Outcome {
    Buffer loss, logsumexp, logits;
};

CrossEntropy parameters(const Shape& shape, Dtype dtype) {
    CrossEntropy p;
    p.dtype = dtype;
    p.rows = shape.rows;
    p.vocab = shape.vocab;
    p.stride = shape.vocab + shape.extra_cols;
    p.grad_scale = 1.0f / 37.0f;
    return p;
}

Outcome on_machine(Case& c, const Shape& shape, const Buffer& logits,
                   const std::vector<int32_t>& labels, const Buffer& scale, bool has_gradient) {
    CrossEntropy p = parameters(shape, logits.dtype());
    const DeviceArray d_loss = c.put(Buffer(Dtype::Float32, shape.rows));
    const DeviceArray d_sum = c.put(Buffer(Dtype::Float32, shape.rows));
    const DeviceArray d_logits = c.put(logits, shape.offset), d_scale = c.put(scale);
    const auto d_labels = c.put_values(labels);
    p.loss = d_loss.floats();
    p.logsumexp = d_sum.floats();
    p.logits = d_logits.data();
    p.labels = d_labels.get();
    p.row_scale = d_scale.floats();
    c.launched(has_gradient ? c.ops().cross_entropy_forward_backward(p, nullptr)
                            : c.ops().cross_entropy_forward(p, nullptr));
    return {c.fetch(d_loss), c.fetch(d_sum), c.fetch(d_logits)};
}

Outcome on_host(void (*work)(const CrossEntropy&), const Shape& shape, const Buffer& logits,
                const std::vector<int32_t>& labels, const Buffer& scale) {
    CrossEntropy p = parameters(shape, logits.dtype());
    Outcome outcome{Buffer(Dtype::Float32, shape.rows), Buffer(Dtype::Float32, shape.rows), logits};
    Buffer scales = scale;
    p.loss = outcome.loss.floats();
    p.logsumexp = outcome.logsumexp.floats();
    p.logits = outcome.logits.data();
    p.labels = labels.data();
    p.row_scale = scales.floats();
    work(p);
    return outcome;
}

void fair(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            c.describe(shape_text(dtype, {shape.rows, shape.vocab}, shape.offset));
            const int64_t count = shape.rows * (shape.vocab + shape.extra_cols);
            const Buffer logits = Buffer::normal(dtype, count, 1, 4.0f);
            const Buffer scale = Buffer::normal(Dtype::Float32, shape.rows, 2);
            const std::vector<int32_t> labels = labels_of(shape);
            const Outcome plain =
                on_host(&cross_entropy_forward_backward, shape, logits, labels, scale);
            const Outcome truth = on_host(&cross_entropy_reference_forward_backward, shape,
                                          logits.as(Dtype::Float32), labels, scale);
            const Outcome both = on_machine(c, shape, logits, labels, scale, true);
            c.check_fair("loss", both.loss, plain.loss, truth.loss);
            c.check_fair("logsumexp", both.logsumexp, plain.logsumexp, truth.logsumexp);
            c.check_fair("dz", both.logits, plain.logits, truth.logits);
            const Outcome loss_only = on_machine(c, shape, logits, labels, scale, false);
            c.check_equal("loss alone", loss_only.loss, both.loss);
            c.check_equal("logits", loss_only.logits, logits);
        }
    }
}

void small_losses(Case& c) {
    const Shape shape{40, 3000};
    const Buffer scale = Buffer::normal(Dtype::Float32, shape.rows, 2);
    Buffer logits = Buffer::normal(Dtype::Float32, shape.rows * shape.vocab, 1);
    std::vector<int32_t> labels;
    for (int64_t r = 0; r < shape.rows; ++r) {
        labels.push_back(static_cast<int32_t>(r * 71));
        logits.set(r * shape.vocab + r * 71, 9.0f + static_cast<float>(r) / 3.0f);
    }
    const Outcome value = on_machine(c, shape, logits, labels, scale, true);
    const Outcome truth =
        on_host(&cross_entropy_reference_forward_backward, shape, logits, labels, scale);
    for (int64_t r = 0; r < shape.rows; ++r) {
        const double loss = truth.loss.at(r);
        const double bound = loss > 1e-6 ? 1e-6 : 3e-6;
        c.describe("a loss of " + std::to_string(loss));
        c.check(std::abs(value.loss.at(r) - loss) <= bound * loss, "keeps its digits");
    }
}

void masked_and_broken(Case& c) {
    const Shape shape{8, 2500};
    const float inf = INFINITY;
    const Buffer scale = Buffer::normal(Dtype::Float32, shape.rows, 2);
    Buffer logits = Buffer::normal(Dtype::BFloat16, shape.rows * shape.vocab, 1);
    std::vector<int32_t> labels(static_cast<size_t>(shape.rows), 5);
    const auto row = [&](int64_t r) { return r * shape.vocab; };
    for (int64_t i = 0; i < 1200; ++i) logits.set(row(0) + i, i == 5 ? 1.0f : -inf);
    for (int64_t i = 0; i < shape.vocab; ++i) {
        logits.set(row(1) + i, i == 5 ? 1.0f : -inf);  // all but the label masked: loss 0
        logits.set(row(2) + i, -inf);                  // nothing left
    }
    logits.set(row(3) + 5, -inf);
    logits.set(row(4) + 2000, inf);
    logits.set(row(5) + 2000, NAN);
    labels[6] = static_cast<int32_t>(shape.vocab);
    labels[7] = -5;
    const Outcome value = on_machine(c, shape, logits, labels, scale, true);
    const Outcome truth =
        on_host(&cross_entropy_reference_forward_backward, shape, logits, labels, scale);
    for (int64_t r = 0; r < shape.rows; ++r) {
        c.describe("row " + std::to_string(r));
        const float loss = truth.loss.at(r), own = value.loss.at(r);
        const bool is_same = std::isnan(loss)   ? std::isnan(own)
                             : std::isinf(loss) ? own == loss
                                                : std::abs(own - loss) <= 1e-6f * std::abs(loss);
        c.check(is_same, "loss " + std::to_string(own) + ", true " + std::to_string(loss));
        bool has_nan = false, true_nan = false;
        for (int64_t i = 0; i < shape.vocab; ++i) {
            has_nan = has_nan || std::isnan(value.logits.at(row(r) + i));
            true_nan = true_nan || std::isnan(truth.logits.at(row(r) + i));
        }
        c.check(has_nan == true_nan, "a NaN in the gradient refuses the step");
    }
}

/// A row beyond 2^31 elements.
void high_blocks(Case& c) {
    const int64_t vocab = 4096, stride = 131072, rows = (int64_t{1} << 31) / stride + 2;
    const std::shared_ptr<void> memory =
        c.machine().reserve(static_cast<std::size_t>(2 * rows * stride));
    if (memory == nullptr) return c.skip("needs 4 GiB of the machine's memory");
    const DeviceArray all(memory, 0, Dtype::BFloat16, rows * stride);
    const Buffer row = Buffer::normal(Dtype::BFloat16, vocab, 1);
    c.machine().copy_in(all.from((rows - 1) * stride), row.data(),
                        static_cast<std::size_t>(2 * vocab));
    const Shape shape{1, vocab};
    const Buffer scale = Buffer::normal(Dtype::Float32, rows, 2);
    std::vector<int32_t> labels(static_cast<size_t>(rows), 17);
    CrossEntropy p = parameters(shape, Dtype::BFloat16);
    const DeviceArray d_loss = c.put(Buffer(Dtype::Float32, rows));
    const auto d_labels = c.put_values(labels);
    p.rows = rows;
    p.stride = stride;
    p.loss = d_loss.floats();
    p.logits = memory.get();
    p.labels = d_labels.get();
    c.machine().run_only({rows - 1});
    c.launched(c.ops().cross_entropy_forward_backward(p, nullptr));
    Buffer dz(Dtype::BFloat16, vocab);
    c.copy_out(dz.data(), all.from((rows - 1) * stride), static_cast<std::size_t>(2 * vocab));
    Buffer ones(Dtype::Float32, 1);
    ones.set(0, 1.0f);
    const Outcome plain = on_host(&cross_entropy_forward_backward, shape, row, {17}, ones);
    const Outcome truth = on_host(&cross_entropy_reference_forward_backward, shape,
                                  row.as(Dtype::Float32), {17}, ones);
    c.describe("the last of 16,386 rows, 131,072 elements apart");
    c.check_fair("dz", dz, plain.logits, truth.logits);
}

}  // namespace

std::vector<NamedCase> cross_entropy_cases() {
    return {{"cross_entropy", &fair},
            {"cross_entropy of small losses", &small_losses},
            {"cross_entropy masked and broken", &masked_and_broken},
            {"cross_entropy high blocks", &high_blocks}};
}

}  // namespace dayrun::kernels::tests
