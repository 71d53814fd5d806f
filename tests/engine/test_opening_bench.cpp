// Opening a model of 1 GB against `cat FILE >/dev/null` in the same cache state, in interleaved
// pairs, and the memory that it takes. Each opening is a process of its own, so that its resident
// memory is its own; afterwards every weight is mapped, so that the first batch waits for none.
// DAYRUN_BENCH_MODEL_GB makes the model larger. What the base is (its tensors' checksums) is taken
// while it is loaded the first time and known afterwards: both against each other.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QDir>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/model/tensor_sums.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

struct Opening {
    double opened_s = 0;      // until prepare() returned
    double cpu_s = 0;         // of the process until then
    int64_t held_bytes = 0;   // more than before, then
    int64_t grown_bytes = 0;  // more than before, at most
    bool ok = false;
};

int model_gigabytes() {
    return std::max(1, qEnvironmentVariableIntValue("DAYRUN_BENCH_MODEL_GB"));
}

/// The model's config, and weights of random bytes that are small bfloat16 numbers.
bool write_gigabyte_model(const std::filesystem::path& folder) {
    if (!write_tiny_model(folder, {}, 1, TensorDtype::BFloat16)) return false;
    std::ofstream(folder / "config.json")
        << R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32000,
               "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": )"
        << 28 * model_gigabytes() << R"(,
               "num_attention_heads": 16, "num_key_value_heads": 16, "rms_norm_eps": 1e-5,
               "max_position_embeddings": 2048, "hidden_act": "silu",
               "tie_word_embeddings": false, "torch_dtype": "bfloat16"})";
    const auto config = read_model_config(folder);
    if (!config.ok()) return false;
    std::vector<TensorSpec> specs;
    for (const WeightInfo& weight : weights_of(*config, make_weight_map(*config))) {
        specs.push_back({weight.name, TensorDtype::BFloat16, weight.shape});
    }
    std::vector<uint16_t> values(size_t{32000} * 1024);
    Rng rng(3, "opening bench");
    for (uint16_t& value : values) {
        const auto bits = static_cast<uint16_t>(rng.next());
        value = static_cast<uint16_t>((bits & 0x80ffU) | 0x3c00U);  // about 0.01
    }
    const auto provide = [&](const TensorSpec& spec) -> Result<std::span<const std::byte>> {
        size_t count = 1;
        for (const int64_t extent : spec.shape) count *= static_cast<size_t>(extent);
        return std::as_bytes(std::span(values).first(count));
    };
    return write_safetensors_streamed(folder / "model.safetensors", specs, provide).ok();
}

// Lets the system forget the file's pages, so that the next reader finds the same state.
void forget(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY);
    ::fdatasync(descriptor);
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    ::close(descriptor);
}

template <class Body>
Opening in_own_process(Body&& body) {
    int ends[2];
    Opening opening;
    if (::pipe(ends) != 0) return opening;
    const pid_t child = ::fork();
    if (child == 0) {
        const Opening made = body();
        const bool written = ::write(ends[1], &made, sizeof(made)) == sizeof(made);
        ::_exit(written ? 0 : 1);
    }
    ::close(ends[1]);
    if (::read(ends[0], &opening, sizeof(opening)) != sizeof(opening)) opening.ok = false;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return opening;
}

Opening open_model(const Recipe& recipe) {
    Opening opening;
    const int64_t before = resident_bytes();
    const double cpu_before = process_cpu_s();
    const Stopwatch watch;
    const auto engine = open_engine(recipe);
    if (!engine) return opening;
    opening.opened_s = watch.elapsed_s();
    opening.cpu_s = process_cpu_s() - cpu_before;
    opening.held_bytes = resident_bytes() - before;
    opening.grown_bytes = peak_resident_bytes() - before;
    opening.ok = true;
    return opening;
}

double cat(const std::filesystem::path& file) {
    const std::string command = "cat '" + file.string() + "' > /dev/null";
    const Stopwatch watch;
    return std::system(command.c_str()) == 0 ? watch.elapsed_s() : -1;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

class TestOpeningBench : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder, m_cache;

    std::filesystem::path base() const { return m_folder.filePath("base").toStdString(); }
    void learn_sums() const {
        const auto files = CheckpointFiles::open(base());
        TensorSums sums(*files, unix_time_s() + 3600);
        sums.finish();
    }

  private Q_SLOTS:
    // A base that was opened before; what the first time costs is sums_cost_little's.
    void initTestCase() {
        QVERIFY(write_gigabyte_model(base()));
        qputenv("XDG_CACHE_HOME", m_cache.path().toUtf8());
        learn_sums();
    }

    void a_gigabyte_opens_like_cat_data() {
        QTest::addColumn<bool>("cold");
        QTest::newRow("from the page cache") << false;
        QTest::newRow("from the disk") << true;
    }
    void a_gigabyte_opens_like_cat() {
        QFETCH(bool, cold);
        const std::filesystem::path file = base() / "model.safetensors";
        const auto size = static_cast<double>(std::filesystem::file_size(file));
        const Recipe recipe = lora_recipe(base(), 8);
        cat(file);
        std::vector<double> ratios, held, grown;
        for (int pair = 0; pair < 7; ++pair) {
            if (cold) forget(file);
            const double cat_s = cat(file);
            if (cold) forget(file);
            const Opening opening = in_own_process([&] { return open_model(recipe); });
            QVERIFY(opening.ok && cat_s > 0);
            ratios.push_back(opening.opened_s / cat_s);
            held.push_back(static_cast<double>(opening.held_bytes) / size);
            grown.push_back(static_cast<double>(opening.grown_bytes) / size);
        }
        std::printf(
            "  %.2f GB %s: opening takes %.2f times cat, %.3f of the file resident (at most "
            "%.3f)\n",
            size / 1e9, cold ? "from the disk" : "from the page cache", median(ratios),
            median(held), median(grown));
        QVERIFY(median(ratios) <= 1.3);
        // Ready means that the first batch waits for no page.
        QVERIFY(*std::min_element(held.begin(), held.end()) >= 0.99);
        QVERIFY(*std::max_element(grown.begin(), grown.end()) <= 1.15);
    }

    void sums_cost_little_data() {
        QTest::addColumn<bool>("cold");
        QTest::newRow("from the page cache") << false;
        QTest::newRow("from the disk") << true;
    }
    void sums_cost_little() {
        QFETCH(bool, cold);
        const std::filesystem::path file = base() / "model.safetensors";
        const Recipe recipe = lora_recipe(base(), 8);
        const QTemporaryDir known, unknown;
        qputenv("XDG_CACHE_HOME", known.path().toUtf8());
        learn_sums();
        const auto open_with = [&](const QTemporaryDir& cache) {
            qputenv("XDG_CACHE_HOME", cache.path().toUtf8());
            if (cold) forget(file);
            const Opening opening = in_own_process([&] { return open_model(recipe); });
            QDir(unknown.path()).removeRecursively();
            return opening;
        };
        open_with(known);
        std::vector<double> ratios, cpu_s, opened_s;
        for (int pair = 0; pair < 7; ++pair) {
            const Opening without = open_with(known), with = open_with(unknown);
            QVERIFY(without.ok && with.ok);
            ratios.push_back(with.opened_s / without.opened_s);
            cpu_s.push_back(with.cpu_s - without.cpu_s);
            opened_s.push_back(without.opened_s);
        }
        qputenv("XDG_CACHE_HOME", m_cache.path().toUtf8());
        std::printf("  %s: %.2f s; taking the sums costs %.3f times that, and %.2f CPU seconds\n",
                    cold ? "from the disk" : "from the page cache", median(opened_s),
                    median(ratios), median(cpu_s));
        // From memory nothing hides the sums; a base comes from the disk the first time.
        if (cold) QVERIFY(median(ratios) <= 1.03);
    }

    void another_type_costs_one_copy() {
        const std::filesystem::path file = base() / "model.safetensors";
        const auto size = static_cast<double>(std::filesystem::file_size(file));
        Recipe recipe = lora_recipe(base(), 8);
        recipe.base.dtype = DtypeChoice::Float32;
        const Opening opening = in_own_process([&] { return open_model(recipe); });
        QVERIFY(opening.ok);
        const double grown = static_cast<double>(opening.grown_bytes) / size;
        std::printf("  as float32: %.3f of the file resident (the copy alone is 2)\n", grown);
        QVERIFY(grown <= 2 + 1.15);
    }
};

DAYRUN_TEST(TestOpeningBench)
#include "test_opening_bench.moc"
