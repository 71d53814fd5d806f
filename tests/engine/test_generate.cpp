// Generation: the cache against a full forward for every family, batches against single texts,
// sampling, and Qwen 1 beyond the length it was trained with.
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <fstream>

#include "core/engine/decoder/rope_table.h"
#include "core/engine/generate.h"
#include "tests/engine/engine_support.h"
#include "tests/engine/plain_decoder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

TinyModel model_of(const QString& type) {
    TinyModel model;
    model.model_type = type.toStdString();
    model.architecture = type == "llama"     ? "LlamaForCausalLM"
                         : type == "mistral" ? "MistralForCausalLM"
                         : type == "qwen2"   ? "Qwen2ForCausalLM"
                                             : "Qwen3ForCausalLM";
    if (type == "mistral") model.window = 6;
    return model;
}

std::vector<int32_t> prompt_of(int length, uint64_t seed) {
    return random_row(length, 67, seed).tokens;
}

GenerateRequest request_of(int length, uint64_t seed, int64_t count) {
    GenerateRequest request{prompt_of(length, seed), {}};
    request.options.max_new_tokens = count;
    return request;
}

}  // namespace

class TestGenerate : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    std::filesystem::path path(const QString& name) const {
        return m_folder.filePath(name).toStdString();
    }
    std::unique_ptr<dayrun::engine::DecoderEngine> open(
        const QString& type, TensorDtype dtype = TensorDtype::Float32) const {
        if (!write_tiny_model(path(type), model_of(type), 8, dtype)) return nullptr;
        return open_engine(lora_recipe(path(type)));
    }
    static void add_families() {
        QTest::addColumn<QString>("type");
        for (const char* type : {"llama", "mistral", "qwen2", "qwen3"}) QTest::newRow(type) << type;
    }

  private Q_SLOTS:
    // Each next token from the cache equals the one that a full forward ranks first.
    void cached_generation_equals_recomputation_data() { add_families(); }
    void cached_generation_equals_recomputation() {
        QFETCH(QString, type);
        auto engine = open(type);
        QVERIFY(engine);
        std::vector<int32_t> text = {3, 14, 15, 9, 26, 5, 35, 8};
        GenerateOptions options;
        options.max_new_tokens = 12;
        const auto made = engine->generate(text, options);
        REQUIRE_OK(made);
        QCOMPARE(made->size(), size_t{12});
        const std::filesystem::path file = path("logits.safetensors");
        for (const int32_t next : *made) {
            REQUIRE_OK(engine->logprobs({make_row(text, text)}, file, {}));
            const std::vector<float> logits = read_tensors(file).values.at("logits");
            const auto last = logits.end() - 67;
            QCOMPARE(static_cast<int32_t>(std::max_element(last, logits.end()) - last), next);
            text.push_back(next);
        }
    }

    void a_batch_equals_its_texts_data() {
        QTest::addColumn<QString>("type");
        QTest::addColumn<int>("dtype");
        for (const char* type : {"llama", "mistral", "qwen2", "qwen3"}) {
            QTest::addRow("%s float32", type) << type << static_cast<int>(TensorDtype::Float32);
            QTest::addRow("%s bfloat16", type) << type << static_cast<int>(TensorDtype::BFloat16);
        }
    }
    // More texts than places, of different lengths, some sampled: each is what it is alone.
    void a_batch_equals_its_texts() {
        QFETCH(QString, type);
        QFETCH(int, dtype);
        auto engine = open(type, static_cast<TensorDtype>(dtype));
        QVERIFY(engine);
        std::vector<GenerateRequest> requests;
        for (int i = 0; i < 40; ++i) {
            auto& request = requests.emplace_back(request_of(1 + i % 21, 100 + i, 5 + i % 13));
            if (i % 3 == 1) request.options.temperature = 1.2;
            request.options.seed = static_cast<uint64_t>(i);
            if (i % 7 == 2) request.options.stop_ids = {5, 9, 11, 40};
        }
        requests[6].options.max_new_tokens = 0;
        int heard = 0;
        requests[9].options.on_token = [&](int32_t) { return ++heard < 3; };
        const auto batch = engine->generate_batch(requests);
        REQUIRE_OK(batch);
        QCOMPARE((*batch)[6].size(), size_t{0});
        QCOMPARE((*batch)[9].size(), size_t{3});
        heard = 0;
        for (size_t i = 0; i < requests.size(); ++i) {
            const auto alone = engine->generate(requests[i].prompt, requests[i].options);
            REQUIRE_OK(alone);
            QVERIFY2((*batch)[i] == *alone, qPrintable(QString("text %1").arg(i)));
        }
    }

    void sampling_obeys_its_settings() {
        auto engine = open("llama");
        QVERIFY(engine);
        GenerateOptions options;
        options.max_new_tokens = 20;
        const auto greedy = engine->generate({1, 2, 3}, options);
        options.temperature = 1.5;
        options.top_k = 1;
        QVERIFY(*engine->generate({1, 2, 3}, options) == *greedy);
        options.top_k = 0;
        options.top_p = 0;
        QVERIFY(*engine->generate({1, 2, 3}, options) == *greedy);
        options.top_p = 1;
        options.seed = 7;
        const auto sampled = engine->generate({1, 2, 3}, options);
        QVERIFY(*sampled != *greedy);
        QVERIFY(*engine->generate({1, 2, 3}, options) == *sampled);
        options.stop_ids = {(*sampled)[4]};
        QVERIFY(engine->generate({1, 2, 3}, options)->size() <= 4);
        QVERIFY(!engine->generate({}, options).ok());
        QVERIFY(!engine->generate({67}, options).ok());
    }

    // Drawn often, ids come as often as their probabilities, cut and made whole again, say.
    void draws_follow_the_probabilities_data() {
        QTest::addColumn<double>("temperature");
        QTest::addColumn<double>("top_p");
        QTest::addColumn<int>("top_k");
        QTest::newRow("plain") << 1.0 << 1.0 << 0;
        QTest::newRow("cold") << 0.5 << 1.0 << 0;
        QTest::newRow("top k") << 1.0 << 1.0 << 3;
        QTest::newRow("top p") << 1.0 << 0.7 << 0;
        QTest::newRow("both") << 1.3 << 0.8 << 5;
    }
    void draws_follow_the_probabilities() {
        QFETCH(double, temperature);
        QFETCH(double, top_p);
        QFETCH(int, top_k);
        // Two hundred ids, so that the cut by top_p has to rank more than once.
        std::vector<float> logits(200);
        for (size_t i = 0; i < logits.size(); ++i) {
            logits[i] = 2.0F * std::sin(static_cast<float>(i * i));
        }
        std::vector<size_t> order(logits.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::stable_sort(order.begin(), order.end(),
                         [&](size_t a, size_t b) { return logits[a] > logits[b]; });
        if (top_k > 0) order.resize(static_cast<size_t>(top_k));
        std::vector<double> want(logits.size());
        double total = 0;
        for (const size_t i : order) total += want[i] = std::exp(logits[i] / temperature);
        double held = 0;
        for (const size_t i : order) {
            const double weight = want[i];
            if (held >= top_p * total) want[i] = 0;
            held += weight;
        }
        double kept = 0;
        for (const double weight : want) kept += weight;
        Rng rng(3, "draws");
        const GenerateOptions options{.temperature = temperature,
                                      .top_p = top_p,
                                      .top_k = top_k,
                                      .stop_ids = {},
                                      .on_token = {}};
        std::vector<double> seen(logits.size());
        constexpr int kDraws = 40000;
        for (int i = 0; i < kDraws; ++i) {
            seen[static_cast<size_t>(dayrun::engine::choose_token(logits, options, rng))] += 1;
        }
        for (size_t i = 0; i < seen.size(); ++i) {
            const double share = want[i] / kept;
            QVERIFY(share > 0 || seen[i] == 0);
            const double spread = std::sqrt(share * (1 - share) / kDraws);
            QVERIFY(std::abs(seen[i] / kDraws - share) <= 6 * spread + 1e-9);
        }
    }

    void qwen1_stretches_beyond_its_length() {
        ModelConfig config;
        config.seq_length = 2048;
        config.use_dynamic_ntk = true;
        config.use_logn_attn = true;
        for (const auto& [length, alpha] : std::vector<std::pair<int64_t, int64_t>>{
                 {1, 1}, {2048, 1}, {2049, 3}, {4096, 3}, {4097, 7}, {8192, 7}, {8193, 15}}) {
            QCOMPARE(dayrun::engine::dynamic_ntk_alpha(config, length), alpha);
        }
        QCOMPARE(dayrun::engine::logn_scale(config, 2047), 1.0F);
        QCOMPARE(dayrun::engine::logn_scale(config, 4095),
                 static_cast<float>(std::log(4096.0) / std::log(2048.0)));
        config.use_dynamic_ntk = config.use_logn_attn = false;
        QCOMPARE(dayrun::engine::dynamic_ntk_alpha(config, 9000), int64_t{1});
        QCOMPARE(dayrun::engine::logn_scale(config, 9000), 1.0F);
    }

    // Scored alone or in a batch, in log-probabilities or in a validation, a text beyond the length
    // has its own base and query factors; trained it has none.
    void qwen1_scores_long_texts_by_their_own_length() {
        const QTemporaryDir place;
        const std::filesystem::path base = place.path().toStdString();
        const TinyModel shape{.architecture = "QWenLMHeadModel",
                              .model_type = "qwen",
                              .kv_heads = 4,
                              .seq_length = 16,
                              .stretches = true};
        QVERIFY(write_tiny_model(base, shape, 5));
        const Recipe recipe = lora_recipe(base);
        const auto engine = open_engine(recipe);
        QVERIFY(engine != nullptr);
        PlainDecoder plain(base, engine->parameters(), 2.0);
        plain.set_evaluates(true);
        std::vector<PackedRow> rows;
        for (const int64_t length : {9, 40, 16, 17, 70}) {
            rows.push_back(random_row(length, shape.vocab, static_cast<uint64_t>(length), 0.0));
        }
        const auto scored = engine->logprobs(rows, {}, {});
        REQUIRE_OK(scored);
        double sum = 0, count = 0;
        for (size_t i = 0; i < rows.size(); ++i) {
            const PackedBatch one = make_batch({rows[i]}, 0);
            const auto targets = static_cast<double>(one.target_token_count);
            const double loss = plain.loss(one, targets);
            QVERIFY2(std::abs(scored->row_loss[i] - loss) < 1e-5 * loss,
                     std::to_string(scored->row_loss[i] - loss).c_str());
            sum += loss * targets;
            count += targets;
        }
        // The same texts in one batch of a validation.
        const PackedBatch all = make_batch({join_rows(rows)}, 0);
        const auto validated = engine->evaluate({all}, 1);
        REQUIRE_OK(validated);
        QCOMPARE(validated->total.target_tokens, all.target_token_count);
        QVERIFY(std::abs(validated->total.loss_sum - sum) < 1e-5 * sum);

        plain.set_evaluates(false);
        const double trained = plain.loss(all, count);
        QVERIFY(std::abs(trained - sum / count) > 1e-3);  // or the factors would not show
        REQUIRE_OK(engine->accumulate(all, count));
        const auto outcome = engine->apply_step(0);
        REQUIRE_OK(outcome);
        QVERIFY(std::abs(outcome->loss - trained) < 1e-5 * trained);
    }

    // The table of an alpha is that of the base theta * alpha^(d / (d - 2)), and alpha 1 comes
    // back.
    void rope_table_changes_with_alpha() {
        ModelConfig config;
        config.rope_theta = 10000;
        config.rotary_dim = config.head_dim = 12;
        ModelConfig stretched = config;
        stretched.rope_theta = 10000 * std::pow(3.0, 12.0 / 10.0);
        auto table = dayrun::engine::RopeTable::make(config);
        auto plain = dayrun::engine::RopeTable::make(config);
        auto want = dayrun::engine::RopeTable::make(stretched);
        table.ensure(40);
        table.ensure(30, 3);
        want.ensure(40);
        for (int i = 0; i < 40 * 6; ++i) {
            QVERIFY(std::abs(table.cos()[i] - want.cos()[i]) < 1e-5F);
            QVERIFY(std::abs(table.sin()[i] - want.sin()[i]) < 1e-5F);
        }
        table.ensure(10);
        plain.ensure(40);
        for (int i = 0; i < 40 * 6; ++i) QCOMPARE(table.cos()[i], plain.cos()[i]);
    }
};

DAYRUN_TEST(TestGenerate)
#include "test_generate.moc"
