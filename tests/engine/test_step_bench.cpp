// How fast a training step is: the sample shape of the trainer (288 hidden, 6 layers, vocabulary
// 32,000, 768 intermediate, 6 heads, untied head, batch 4 x 256, r 16 on seven projections, random
// weights) in float32 and bfloat16, 1 and 2 threads. Prints tokens per second and per CPU second,
// peak memory, and the share of the matrix-multiply peak that the same process measures.
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cstdio>

#include "core/base/clock.h"
#include "core/engine/linear/gemm.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::Buffer;
using dayrun::engine::Dtype;

namespace {

constexpr int64_t kRows = 4, kLength = 256;

// Multiply-adds of one step: base forward and input gradients, head on trained rows only, adapters
// forward and backward, causal attention (facts: the cost model of training).
double step_flops(const TinyModel& m, double tokens, double trained_tokens, double rank) {
    const double q = static_cast<double>(m.heads * m.head_dim);
    const double kv = static_cast<double>(m.kv_heads * m.head_dim);
    const double h = static_cast<double>(m.hidden), i = static_cast<double>(m.intermediate);
    const double layer = h * q + 2 * h * kv + q * h + 3 * h * i;
    const double adapters = rank * ((h + q) + 2 * (h + kv) + (q + h) + 2 * (h + i) + (i + h));
    const double attention = 3.5 * 4 * (kLength + 1) / 2.0 * q;
    const auto layers = static_cast<double>(m.layers);
    return tokens * layers * (4 * layer + 6 * adapters + attention) +
           trained_tokens * 4 * h * static_cast<double>(m.vocab);
}

double cpu_seconds_of(const std::function<void()>& work) {
    const double start = process_cpu_s();
    work();
    return process_cpu_s() - start;
}

// The best of a few large products in the type, per CPU second.
double matmul_peak(Dtype dtype) {
    constexpr int64_t n = 1536;
    const int64_t bytes = n * n * dayrun::kernels::element_bytes(dtype);
    Buffer a(bytes, dayrun::engine::MemoryPart::Working),
        b(bytes, dayrun::engine::MemoryPart::Working),
        c(bytes, dayrun::engine::MemoryPart::Working);
    a.fill_zero();
    b.fill_zero();
    double best = 1e9;
    for (int i = 0; i < 5; ++i) {
        best =
            std::min(best, cpu_seconds_of([&] {
                         dayrun::engine::multiply_nt(dayrun::engine::dense(c.data(), n, n, dtype),
                                                     dayrun::engine::dense(a.data(), n, n, dtype),
                                                     dayrun::engine::dense(b.data(), n, n, dtype));
                     }));
    }
    return 2.0 * n * n * n / best;
}

}  // namespace

class TestStepBench : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void step_data() {
        QTest::addColumn<bool>("bfloat16");
        QTest::addColumn<int>("threads");
        QTest::addColumn<double>("masked");
        for (const double masked : {0.0, 0.7}) {
            for (const bool bfloat16 : {false, true}) {
                for (const int threads : {1, 2}) {
                    QTest::addRow("%s, %d threads, %.0f %% trained",
                                  bfloat16 ? "bfloat16" : "float32", threads, 100 * (1 - masked))
                        << bfloat16 << threads << masked;
                }
            }
        }
    }
    void step() {
        QFETCH(bool, bfloat16);
        QFETCH(int, threads);
        QFETCH(double, masked);
        const TinyModel model = small_shape();
        QTemporaryDir folder;
        const std::filesystem::path base = folder.path().toStdString();
        QVERIFY(write_tiny_model(base, model, 1,
                                 bfloat16 ? TensorDtype::BFloat16 : TensorDtype::Float32));
        Recipe recipe = lora_recipe(base, 16, 32);
        recipe.adapter.target_modules = kSevenProjections;
        auto engine = open_engine(recipe, threads);
        QVERIFY(engine);
        std::vector<PackedRow> rows;
        for (uint64_t i = 0; i < kRows; ++i) {
            rows.push_back(random_row(kLength, model.vocab, i, masked));
        }
        const PackedBatch batch = make_batch(rows, 0);
        const auto one_step = [&] {
            const auto divisor = static_cast<double>(batch.target_token_count);
            return engine->accumulate(batch, divisor).ok() && engine->apply_step(1e-3).ok();
        };
        QVERIFY(one_step());
        const double peak = matmul_peak(bfloat16 ? Dtype::BFloat16 : Dtype::Float32);
        double wall = 1e9, cpu = 1e9;
        for (int i = 0; i < 12; ++i) {
            const Stopwatch watch;
            cpu = std::min(cpu, cpu_seconds_of([&] { one_step(); }));
            wall = std::min(wall, watch.elapsed_s());
        }
        constexpr double kTokens = kRows * kLength;
        const double flops =
            step_flops(model, kTokens, static_cast<double>(batch.target_token_count), 16);
        std::printf(
            "%-36s %7.0f tokens/s  %7.0f tokens/CPU-s  %5.1f GFLOP/s = %4.1f %% of %5.1f  "
            "peak %4.0f MiB\n",
            QTest::currentDataTag(), kTokens / wall, kTokens / cpu, flops / cpu / 1e9,
            100 * flops / cpu / peak, peak / 1e9,
            static_cast<double>(engine->device_bytes_peak()) / (1 << 20));
        std::fflush(stdout);
    }
};

DAYRUN_TEST(TestStepBench)
#include "test_step_bench.moc"
