// kernels/cross_entropy: losses of all sizes, gradients, ignored and bad labels, threads.
#include "kernels/cross_entropy/cross_entropy.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

const int64_t kShapes[][2] = {{1, 1}, {2, 2}, {3, 7}, {4, 16}, {5, 33}, {3, 1000}, {2, 9001}};

std::vector<int32_t> labels_for(int64_t rows, int64_t vocab) {
    std::vector<int32_t> labels;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t choice[] = {0, vocab - 1, vocab / 2, (row * 13) % vocab};
        labels.push_back(static_cast<int32_t>(choice[row % 4]));
    }
    return labels;
}

CrossEntropy make_params(Buffer& logits, const std::vector<int32_t>& labels, Buffer& loss,
                         int64_t rows, int64_t vocab) {
    CrossEntropy p;
    p.loss = loss.floats();
    p.logits = logits.data();
    p.labels = labels.data();
    p.dtype = logits.dtype();
    p.rows = rows;
    p.vocab = vocab;
    return p;
}

/// The plain same-dtype computation: float sums in order, expf.
void plain_gradient(Buffer& logits, const std::vector<int32_t>& labels, int64_t vocab,
                    float scale) {
    for (int64_t row = 0; row < logits.count() / vocab; ++row) {
        float top = -INFINITY, sum = 0.0f;
        for (int64_t i = 0; i < vocab; ++i) top = std::max(top, logits.at(row * vocab + i));
        for (int64_t i = 0; i < vocab; ++i) sum += std::exp(logits.at(row * vocab + i) - top);
        for (int64_t i = 0; i < vocab; ++i) {
            const float share = std::exp(logits.at(row * vocab + i) - top) / sum;
            const float one = labels[static_cast<size_t>(row)] == i ? 1.0f : 0.0f;
            logits.set(row * vocab + i, (share - one) * scale);
        }
    }
}

}  // namespace

class TestCrossEntropy : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void losses_of_all_sizes_data() { add_dtype_rows(); }
    /// Relative to float64, from nearly certain (1e-12) to hopeless (hundreds).
    void losses_of_all_sizes() {
        const RowSetup setup;
        for (const auto& [rows, vocab] : kShapes) {
            const std::vector<int32_t> labels = labels_for(rows, vocab);
            for (const float lift : {-300.0f, -20.0f, -2.0f, 0.0f, 3.0f, 10.0f, 20.0f, 35.0f}) {
                Buffer logits = Buffer::normal(setup.dtype, rows * vocab, 1, 2.0f);
                for (int64_t row = 0; row < rows; ++row) {
                    const int64_t at = row * vocab + labels[static_cast<size_t>(row)];
                    logits.set(at, logits.at(at) + lift);
                }
                const Buffer before = logits;
                Buffer loss(Dtype::Float32, rows), truth = loss, total = loss, total_truth = loss;
                CrossEntropy p = make_params(logits, labels, loss, rows, vocab);
                p.logsumexp = total.floats();
                cross_entropy_forward(p);
                p.loss = truth.floats();
                p.logsumexp = total_truth.floats();
                cross_entropy_reference_forward(p);
                QVERIFY(logits == before);
                Buffer loss_on_the_way(Dtype::Float32, rows);
                p.loss = loss_on_the_way.floats();
                cross_entropy_forward_backward(p);
                for (int64_t row = 0; row < rows; ++row) {
                    const double expected = truth.at(row);
                    const double tolerance = expected > 1e-6 ? 1e-6 : 3e-6;
                    QVERIFY(std::abs(loss.at(row) - expected) <= tolerance * expected);
                    QVERIFY(std::abs(total.at(row) - total_truth.at(row)) <=
                            1e-6 * std::abs(total_truth.at(row)) + 1e-6);
                }
                QVERIFY(loss_on_the_way == loss);
            }
        }
    }

    void gradient_is_fair_data() { add_dtype_rows(); }
    void gradient_is_fair() {
        const RowSetup setup;
        for (const auto& [rows, vocab] : kShapes) {
            const std::vector<int32_t> labels = labels_for(rows, vocab);
            Buffer logits = Buffer::normal(setup.dtype, rows * vocab, 1, 3.0f);
            Buffer truth = logits.as(Dtype::Float32), plain = logits;
            Buffer loss(Dtype::Float32, rows), loss_truth = loss;
            CrossEntropy p = make_params(logits, labels, loss, rows, vocab);
            p.grad_scale = 0.125f;
            cross_entropy_forward_backward(p);
            p = make_params(truth, labels, loss_truth, rows, vocab);
            p.grad_scale = 0.125f;
            cross_entropy_reference_forward_backward(p);
            plain_gradient(plain, labels, vocab, 0.125f);
            DAYRUN_COMPARE_FAIR(logits, plain, truth);
            DAYRUN_COMPARE_CLOSE(loss, loss_truth, 1e-6);
        }
    }

    void gradient_matches_differences() {
        const int64_t vocab = 11;
        const std::vector<int32_t> labels = {4};
        const Buffer logits = Buffer::normal(Dtype::Float32, vocab, 1);
        auto loss_at = [&](int64_t i, double step) {
            double sum = 0.0;
            for (int64_t j = 0; j < vocab; ++j) sum += std::exp(logits.at(j) + (i == j ? step : 0));
            return std::log(sum) - (logits.at(4) + (i == 4 ? step : 0));
        };
        Buffer gradient = logits, loss(Dtype::Float32, 1);
        cross_entropy_forward_backward(make_params(gradient, labels, loss, 1, vocab));
        for (int64_t i = 0; i < vocab; ++i) {
            const double slope = (loss_at(i, 1e-5) - loss_at(i, -1e-5)) / 2e-5;
            QVERIFY(std::abs(gradient.at(i) - slope) < 1e-6);
        }
    }

    void ignored_bad_and_weighted_rows_data() { add_dtype_rows(); }
    void ignored_bad_and_weighted_rows() {
        const RowSetup setup;
        const int64_t vocab = 35, stride = 40;
        const std::vector<int32_t> labels = {kIgnoredLabel, 3, 35, -1, 3};
        const std::vector<float> weights = {1.0f, 1.0f, 1.0f, 1.0f, 0.5f};
        Buffer logits = Buffer::normal(setup.dtype, 5 * stride, 1);
        for (int64_t i = 0; i < vocab; ++i) logits.set(4 * stride + i, logits.at(stride + i));
        const Buffer before = logits;
        Buffer loss(Dtype::Float32, 5);
        CrossEntropy p = make_params(logits, labels, loss, 5, vocab);
        p.stride = stride;
        p.row_scale = weights.data();
        cross_entropy_forward_backward(p);
        QCOMPARE(loss.at(0), 0.0f);
        QVERIFY(loss.at(1) > 0.0f);
        QVERIFY(std::isnan(loss.at(2)) && std::isnan(loss.at(3)));
        QCOMPARE(loss.at(4), loss.at(1));
        for (int64_t i = 0; i < vocab; ++i) {
            QCOMPARE(logits.at(i), 0.0f);
            QVERIFY(std::isnan(logits.at(2 * stride + i)));
            QVERIFY(std::abs(logits.at(4 * stride + i) - 0.5f * logits.at(stride + i)) < 1e-9f);
        }
        for (int64_t row = 0; row < 5; ++row) {
            for (int64_t i = vocab; i < stride; ++i) {
                QCOMPARE(logits.at(row * stride + i), before.at(row * stride + i));
            }
        }
    }

    void infinite_and_nan_logits_data() { add_dtype_rows(); }
    /// A masked entry (-inf) is fine, anything else not finite must show in the loss.
    void infinite_and_nan_logits() {
        const RowSetup setup;
        const int64_t vocab = 50;
        for (const float bad : {INFINITY, static_cast<float>(NAN), -INFINITY}) {
            for (const int64_t at : {0, 17, 33, 49}) {
                Buffer logits = Buffer::normal(setup.dtype, vocab, 1), loss(Dtype::Float32, 1);
                logits.set(at, bad);
                cross_entropy_forward_backward(make_params(logits, {33}, loss, 1, vocab));
                const bool is_masked_other = bad == -INFINITY && at != 33;
                QCOMPARE(static_cast<bool>(std::isfinite(loss.at(0))), is_masked_other);
                if (is_masked_other) QCOMPARE(logits.at(at), 0.0f);
            }
        }
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        const int64_t rows = 40, vocab = 5003;
        const std::vector<int32_t> labels = labels_for(rows, vocab);
        QVERIFY(is_bit_equal_over_threads([&] {
            Buffer logits = Buffer::normal(setup.dtype, rows * vocab, 1);
            Buffer loss(Dtype::Float32, rows);
            cross_entropy_forward_backward(make_params(logits, labels, loss, rows, vocab));
            return std::vector<Buffer>{logits, loss};
        }));
    }
};

DAYRUN_TEST(TestCrossEntropy)
#include "test_cross_entropy.moc"
