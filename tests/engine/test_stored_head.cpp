// A base whose config.json ties the head while its weights hold another one computes, trains and is
// saved as the same weights under a config that says so.
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::DecoderEngine;

class TestStoredHead : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    TinyModel m_model;

    std::filesystem::path path(const char* name) const {
        return m_folder.filePath(name).toStdString();
    }
    static void set_tie(const std::filesystem::path& folder, bool ties) {
        nlohmann::json json = nlohmann::json::parse(*read_file(folder / "config.json"));
        json["tie_word_embeddings"] = ties;
        QVERIFY(write_file(folder / "config.json", json.dump()).ok());
    }

  private Q_SLOTS:
    void initTestCase() {
        // The same random weights twice, and the model that the config alone would make of them.
        for (const char* const name : {"untied", "told tied"}) {
            QVERIFY(write_tiny_model(path(name), m_model, 3));
        }
        set_tie(path("told tied"), true);
        m_model.tied = true;
        QVERIFY(write_tiny_model(path("tied"), m_model, 3));
    }

    void computes_and_trains_as_untied_data() {
        QTest::addColumn<QString>("method");
        for (const char* const method : {"lora", "bfloat16", "nf4", "full"}) {
            QTest::newRow(method) << method;
        }
    }
    void computes_and_trains_as_untied() {
        QFETCH(QString, method);
        struct Seen {
            std::vector<std::vector<float>> logprobs;
            StepFigures steps;
            std::vector<int32_t> text;
            std::vector<std::string> notes;
        };
        const auto run = [&](const char* base, Seen& seen) {
            Recipe recipe = lora_recipe(path(base));
            if (method == "full") recipe.adapter.method = AdapterMethod::Full;
            if (method == "bfloat16") recipe.base.dtype = DtypeChoice::BFloat16;
            if (method == "nf4") recipe.quantization.base = BaseQuantization::Nf4;
            DecoderEngine engine(Device{.threads = 1});
            const auto prepared = engine.prepare(recipe);
            REQUIRE_OK(prepared);
            seen.notes = prepared->notes;
            const auto first = engine.logprobs({random_row(20, m_model.vocab, 1)}, {}, {});
            REQUIRE_OK(first);
            seen.logprobs = first->logprobs;
            QVERIFY(train(engine, 0, 3, m_model.vocab, seen.steps));
            GenerateOptions options;
            options.max_new_tokens = 8;
            const auto text = engine.generate({1, 2, 3}, options);
            REQUIRE_OK(text);
            seen.text = *text;
            REQUIRE_OK(engine.save_adapter(path("saved") / method.toStdString() / base));
        };
        Seen told, untied, tied;
        run("told tied", told);
        run("untied", untied);
        run("tied", tied);
        QCOMPARE(told.logprobs, untied.logprobs);
        QVERIFY(told.steps == untied.steps);
        QCOMPARE(told.text, untied.text);
        QVERIFY(told.notes.size() == 1 && untied.notes.empty() && tied.notes.empty());
        // The head matters here.
        QVERIFY(told.logprobs != tied.logprobs);
    }

    void a_full_training_saves_what_it_trained() {
        Recipe recipe = lora_recipe(path("told tied"));
        recipe.adapter.method = AdapterMethod::Full;
        const auto engine = open_engine(recipe);
        QVERIFY(engine);
        StepFigures figures;
        QVERIFY(train(*engine, 0, 2, m_model.vocab, figures));
        REQUIRE_OK(engine->save_adapter(path("model")));
        const auto json = nlohmann::json::parse(*read_file(path("model") / "config.json"));
        QVERIFY(!json["tie_word_embeddings"].get<bool>());
        Recipe again = lora_recipe(path("model"));
        again.adapter.method = AdapterMethod::Full;
        const auto opened = open_engine(again);
        QVERIFY(opened);
        QCOMPARE(eval_loss(*opened, m_model.vocab), eval_loss(*engine, m_model.vocab));
    }
};

DAYRUN_TEST(TestStoredHead)
#include "test_stored_head.moc"
