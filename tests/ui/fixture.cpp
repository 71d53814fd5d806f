// Neighbour: fixture.h. Makes the QApplication that the weak symbol in test_registry.cpp leaves
// open.
#include "tests/ui/fixture.h"

#include <QApplication>
#include <QFile>
#include <QSignalSpy>
#include <memory>

#include "core/base/atomic_file.h"
#include "core/model/model_config.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"
#include "core/records/project.h"
#include "tests/support/fake_engine.h"
#include "ui/look/theme.h"
#include "ui/project/prepared_data.h"
#include "ui/stages/data/data_stage.h"

namespace dayrun::tests {
namespace {

constexpr auto kConfig = R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
 "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
 "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
 "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
 "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"})";

constexpr auto kRecipe = R"(dayrun: 1
name: first try
base: {path: ../base, dtype: float32}
adapter: {lora_rank: 4, lora_alpha: 8, target_modules: [q_proj, v_proj]}
data:
  - {name: rows, path: ../rows.jsonl, converter: token_ids}
split: {validation: 8}
tokens: {max_seq_len: 64}
batch: {micro_batch_size: 2, epochs: EPOCHS}
optimizer: {learning_rate: 1.0e-3}
schedule: {warmup_steps: 5}
eval: {every: {steps: 20}}
)";

constexpr auto kTextRecipe = R"(dayrun: 1
name: text
base: {path: BASE}
data:
  - {name: a, path: ../a.jsonl}
  - {name: b, path: ../b.jsonl}
)";

std::string textRow(const std::string& question, const std::string& answer) {
    return "{\"instruction\": \"" + question + "\", \"context\": \"\", \"response\": \"" + answer +
           "\", \"category\": \"open_qa\"}\n";
}

std::string textRows(int begin, int end) {
    std::string text;
    for (int i = begin; i < end; ++i) {
        const std::string n = std::to_string(i);
        text += textRow("Say what number " + n + " makes with " + std::to_string(i * i),
                        "Number " + std::to_string(i + i * i));
    }
    return text;
}

void writeBase(const std::filesystem::path& folder) {
    QVERIFY(core::write_file(folder / "config.json", kConfig).ok());
    const auto config = core::read_model_config(folder);
    QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
    const core::WeightMap map = core::make_weight_map(*config);
    std::vector<core::TensorToWrite> tensors;
    static const std::vector<std::byte> s_zeros(1 << 20);
    const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
        size_t count = 1;
        for (const int64_t size : shape) count *= static_cast<size_t>(size);
        tensors.push_back({name, core::TensorDtype::Float32, std::move(shape),
                           std::span(s_zeros).first(count * 4)});
    };
    const int64_t hidden = config->hidden_size;
    add(map.embed_tokens, {config->vocab_size, hidden});
    add(map.final_norm, {hidden});
    for (const core::LayerNames& layer : map.layers) {
        add(layer.input_norm, {hidden});
        add(layer.post_attention_norm, {hidden});
        for (const core::LinearInfo& linear : layer.linears) {
            add(linear.module + ".weight", {linear.out_features, linear.in_features});
        }
    }
    const auto written = core::write_safetensors(folder / "model.safetensors", tensors);
    QVERIFY2(written.ok(), written.ok() ? "" : written.error().text().c_str());
}

}  // namespace

void makeProject(const std::filesystem::path& folder, int epochs) {
    QVERIFY(core::Project::open_or_create(folder).ok());
    writeBase(folder / "base");
    std::string rows;
    for (int i = 0; i < 40; ++i) {
        rows += "{\"input_ids\": [1";
        for (int j = 0; j < 10 + i % 7; ++j) rows += ", " + std::to_string(3 + (i * 7 + j) % 60);
        rows += ", 2]}\n";
    }
    QVERIFY(core::write_file(folder / "rows.jsonl", rows).ok());
    std::string recipe = kRecipe;
    recipe.replace(recipe.find("EPOCHS"), 6, std::to_string(epochs));
    QVERIFY(core::write_file(folder / "recipes" / "test.yaml", recipe).ok());
}

void makeTextProject(const std::filesystem::path& folder) {
    QVERIFY(core::Project::open_or_create(folder).ok());
    const std::string river = "Name the longest river of the south";
    const std::string known = kEvaluationText;
    QVERIFY(core::write_file(folder / "a.jsonl", textRow(river, "The Nile") + textRows(0, 30) +
                                                     textRow("Is it so that " + known, "Yes"))
                .ok());
    QVERIFY(core::write_file(
                folder / "b.jsonl",
                textRows(100, 120) + textRow(river, "It is the Nile") + textRow(river, "The Nile"))
                .ok());
    QVERIFY(core::write_file(folder / "eval.csv",
                             "id,problem\n1,Nothing here\n2,\"Once " + known + " it sank\"\n")
                .ok());
    std::string recipe = kTextRecipe;
    recipe.replace(recipe.find("BASE"), 4, DAYRUN_SOURCE_DIR "/resources/sample_project/base");
    QVERIFY(core::write_file(folder / "recipes" / "text.yaml", recipe).ok());
}

core::EngineFactory fakeEngine(int step_ms) {
    auto script = std::make_shared<FakeScript>();
    script->sleep_ms = step_ms;
    return fake_engine_factory(std::move(script));
}

ui::WorkbenchOptions optionsWith(core::EngineFactory engine) {
    ui::WorkbenchOptions options;
    options.make_engine = std::move(engine);
    options.device_name = "CPU, 2 threads";
    return options;
}

bool waitFor(const std::function<bool()>& condition, int timeout_ms) {
    return QTest::qWaitFor(condition, timeout_ms);
}

bool waitUntilPrepared(ui::MainWindow& window) {
    const ui::PreparedData& data = window.dataStage()->prepared();
    return waitFor([&] { return data.isExact() && !data.isBusy(); });
}

LoopWatch::LoopWatch() {
    m_since.start();
    m_queued = queuedMs();
    m_timer.setInterval(5);
    connect(&m_timer, &QTimer::timeout, this, [this] {
        const qint64 queued = queuedMs();
        const qint64 gap = m_since.restart() - (queued - m_queued);
        m_queued = queued;
        m_longest = std::max(m_longest, gap);
        m_recent = std::max(m_recent, gap);
    });
    m_timer.start();
}

// The second number of schedstat: nanoseconds this thread has waited for a processor.
qint64 LoopWatch::queuedMs() {
    QFile file(QStringLiteral("/proc/thread-self/schedstat"));
    if (!file.open(QIODevice::ReadOnly)) return 0;
    return file.readAll().split(' ').value(1).toLongLong() / 1'000'000;
}

void LoopWatch::turn() {
    // Connected last, so told after the gap is measured.
    QSignalSpy(&m_timer, &QTimer::timeout).wait();
}

void LoopWatch::note(const char* what) {
    turn();
    qInfo("%s: longest time without an event %lld ms", what, static_cast<long long>(m_recent));
    m_recent = 0;
}

std::unique_ptr<QCoreApplication> make_application(int& argc, char** argv) {
    // Every test of the window runs where a comma stands before the decimals.
    qputenv("LC_ALL", "de_DE.UTF-8");
    auto application = std::make_unique<QApplication>(argc, argv);
    ui::prepareApplication(*application, ui::Appearance::Light);
    return application;
}

}  // namespace dayrun::tests
