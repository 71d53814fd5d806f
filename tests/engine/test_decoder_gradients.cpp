// The written-out backward against libtorch's autograd in float64 on small random models: grouped
// heads, biases, query and key norms, windows, fused projections, adapters on some modules only,
// and full training with tied and separate heads.
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

// B starts at zero, which would hide A's gradient.
void shake(dayrun::engine::ParameterSet& parameters) {
    for (dayrun::engine::Parameter& parameter : parameters.all()) {
        if (parameter.name.find("lora_B") == std::string::npos) continue;
        Rng rng(3, parameter.name);
        for (int64_t i = 0; i < parameter.count; ++i) {
            parameter.value[i] = static_cast<float>(0.1 * rng.normal());
        }
    }
    parameters.refresh_copies();
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
        shake(engine->parameters());
        const PackedBatch batch =
            make_batch({join_rows({random_row(9, model.vocab, 1), random_row(14, model.vocab, 2)}),
                        random_row(7, model.vocab, 3)},
                       0);
        const double divisor = 1.5 * static_cast<double>(batch.target_token_count);
        REQUIRE_OK(engine->accumulate(batch, divisor));
        PlainDecoder plain(recipe.base.path, engine->parameters(),
                           recipe.adapter.lora_alpha / recipe.adapter.lora_rank);
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
