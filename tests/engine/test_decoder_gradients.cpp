// The written-out backward against libtorch's autograd in float64 on small random models: grouped
// heads, biases, query and key norms, windows, fused projections, adapters on some modules only,
// full training with tied and separate heads, DoRA, dropout, noise on the embeddings and NF4.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/rng.h"
#include "tests/engine/engine_support.h"
#include "tests/engine/plain_decoder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

TinyModel tiny(const char* architecture, const char* type) {
    TinyModel model;
    model.architecture = architecture;
    model.model_type = type;
    return model;
}

TinyModel model_of(const QString& name) {
    if (name.startsWith("windows")) {
        TinyModel model = tiny("MistralForCausalLM", "mistral");
        model.window = 5;
        model.kv_heads = 1;
        return model;
    }
    if (name.startsWith("biases")) {
        TinyModel model = tiny("Qwen2ForCausalLM", "qwen2");
        model.tied = true;
        return model;
    }
    if (name.startsWith("head norms")) {
        TinyModel model = tiny("Qwen3ForCausalLM", "qwen3");
        model.head_dim = 10;
        return model;
    }
    TinyModel model = tiny("LlamaForCausalLM", "llama");
    model.layers = 3;
    if (name.startsWith("one head each")) model.kv_heads = 4;
    return model;
}

// B starts at zero, which would hide A's gradient, and a fresh magnitude hides DoRA's scaling.
void shake(dayrun::engine::DecoderEngine& engine) {
    for (dayrun::engine::Parameter& parameter : engine.parameters().all()) {
        const bool is_b = parameter.name.find("lora_B") != std::string::npos;
        const bool is_magnitude = parameter.name.find("magnitude") != std::string::npos;
        if (!is_b && !is_magnitude) continue;
        Rng rng(3, parameter.name);
        for (int64_t i = 0; i < parameter.count; ++i) {
            const double noise = 0.1 * rng.normal();
            parameter.value[i] =
                static_cast<float>(is_b ? noise : parameter.value[i] * (1 + noise));
        }
    }
    engine.parameters().refresh_copies();
    engine.decoder().parameters_changed();
}

// What NF4 gives back takes the place of the weights, so the comparison is of arithmetic alone.
void use_dequantized(PlainDecoder& plain, dayrun::engine::Decoder& decoder) {
    for (const auto& layer : decoder.weights().layers) {
        for (const auto* group : {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
            for (const dayrun::engine::Linear& linear : group->linears()) {
                const auto& weight = linear.weight;
                if (!weight.is_nf4()) continue;
                std::vector<float> values(static_cast<size_t>(weight.rows() * weight.cols()));
                dayrun::engine::read_weight_rows(
                    dayrun::engine::dense(values.data(), weight.rows(), weight.cols(),
                                          dayrun::kernels::Dtype::Float32),
                    weight, 0);
                plain.replace(linear.module + ".weight", values);
            }
        }
    }
}

}  // namespace

class TestDecoderGradients : public QObject {
    Q_OBJECT

    static void compare(const QString& name, const Recipe& recipe_of_folder) {
        Recipe recipe = recipe_of_folder;
        QTemporaryDir folder;
        recipe.base.path = folder.path().toStdString();
        const TinyModel model = model_of(name);
        QVERIFY(write_tiny_model(recipe.base.path, model, 17));
        auto engine = open_engine(recipe);
        QVERIFY(engine);
        shake(*engine);
        const PackedBatch batch =
            make_batch({join_rows({random_row(9, model.vocab, 1), random_row(14, model.vocab, 2)}),
                        random_row(7, model.vocab, 3)},
                       0, 5);
        const double divisor = 1.5 * static_cast<double>(batch.target_token_count);
        REQUIRE_OK(engine->accumulate(batch, divisor));
        PlainDecoder plain(recipe.base.path, engine->parameters(),
                           recipe.adapter.lora_alpha / recipe.adapter.lora_rank);
        use_dequantized(plain, engine->decoder());
        plain.set_noise({.dropout = static_cast<float>(recipe.adapter.lora_dropout),
                         .neftune_alpha = static_cast<float>(recipe.adapter.neftune_alpha),
                         .neftune_length = recipe.adapter.neftune_length,
                         .seed = recipe.seed});
        const double want_loss = plain.loss(batch, divisor);
        for (const dayrun::engine::Parameter& parameter : engine->parameters().all()) {
            const std::vector<float> want = plain.gradient(parameter.name);
            const double off = relative_difference(gradient_of(parameter), want);
            QVERIFY2(off < 1e-5,
                     qPrintable(QString("%1 off by %2").arg(parameter.name.c_str()).arg(off)));
        }
        const auto outcome = engine->apply_step(0);
        REQUIRE_OK(outcome);
        QVERIFY2(std::abs(outcome->loss - want_loss) < 1e-5 * want_loss,
                 qPrintable(QString("%1, not %2").arg(outcome->loss).arg(want_loss)));
    }

    static Recipe recipe_for(const std::vector<std::string>& targets) {
        Recipe recipe = lora_recipe("", 3, 6);
        if (!targets.empty()) recipe.adapter.target_modules = targets;
        return recipe;
    }

    static void add_models() {
        QTest::addColumn<QString>("name");
        for (const char* const name :
             {"grouped heads", "one head each", "biases", "head norms", "windows"}) {
            QTest::newRow(name) << name;
        }
    }

  private Q_SLOTS:
    void adapters_everywhere_data() { add_models(); }
    void adapters_everywhere() {
        QFETCH(QString, name);
        compare(name, recipe_for({}));
    }

    // Whatever lies below the lowest adapter is left out; what lies above must not change.
    void adapters_somewhere_data() {
        QTest::addColumn<QStringList>("targets");
        QTest::newRow("down") << QStringList{"down_proj"};
        QTest::newRow("up") << QStringList{"up_proj"};
        QTest::newRow("o") << QStringList{"o_proj"};
        QTest::newRow("v") << QStringList{"v_proj"};
        QTest::newRow("k and gate") << QStringList{"k_proj", "gate_proj"};
        QTest::newRow("last layer's down") << QStringList{"layers.2.mlp.down_proj"};
        QTest::newRow("middle o, last q")
            << QStringList{"layers.1.self_attn.o_proj", "layers.2.self_attn.q_proj"};
    }
    void adapters_somewhere() {
        QFETCH(QStringList, targets);
        std::vector<std::string> names;
        for (const QString& target : targets) names.push_back(target.toStdString());
        compare("grouped heads", recipe_for(names));
    }

    void dora_data() { add_models(); }
    void dora() {
        QFETCH(QString, name);
        Recipe recipe = recipe_for({});
        recipe.adapter.method = AdapterMethod::Dora;
        compare(name, recipe);
        recipe.adapter.lora_dropout = 0.3;
        compare(name, recipe);
    }

    void dropout_data() { add_models(); }
    void dropout() {
        QFETCH(QString, name);
        Recipe recipe = recipe_for({});
        recipe.adapter.lora_dropout = 0.3;
        compare(name, recipe);
        recipe.adapter.target_modules = std::vector<std::string>{"k_proj", "up_proj"};
        compare(name, recipe);
    }

    void embedding_noise_data() {
        QTest::addColumn<int>("length");
        QTest::newRow("document") << static_cast<int>(NeftuneLength::Document);
        QTest::newRow("row") << static_cast<int>(NeftuneLength::Row);
        QTest::newRow("micro-batch") << static_cast<int>(NeftuneLength::MicroBatch);
    }
    void embedding_noise() {
        QFETCH(int, length);
        Recipe recipe = recipe_for({});
        recipe.adapter.neftune_alpha = 5;
        recipe.adapter.neftune_length = static_cast<NeftuneLength>(length);
        compare("grouped heads", recipe);
    }

    void nf4_data() { add_models(); }
    void nf4() {
        QFETCH(QString, name);
        Recipe recipe = recipe_for({});
        recipe.quantization.base = BaseQuantization::Nf4;
        compare(name, recipe);
        recipe.quantization.double_quant = false;
        recipe.quantization.block_size = 32;
        recipe.adapter.method = AdapterMethod::Dora;
        recipe.adapter.lora_dropout = 0.2;
        compare(name, recipe);
    }

    void full_training_data() { add_models(); }
    void full_training() {
        QFETCH(QString, name);
        Recipe recipe = recipe_for({});
        recipe.adapter.method = AdapterMethod::Full;
        compare(name, recipe);
    }
};

DAYRUN_TEST(TestDecoderGradients)
#include "test_decoder_gradients.moc"
