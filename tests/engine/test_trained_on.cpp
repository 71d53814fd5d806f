// What an adapter says of its base: written with it, compared where it is applied again, and told.
#include <QTemporaryDir>
#include <QTest>
#include <chrono>
#include <fstream>

#include "core/base/atomic_file.h"
#include "core/export/merge.h"
#include "core/model/adapter_files.h"
#include "core/model/model_config.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

class TestTrainedOn : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    std::filesystem::path folder(const std::string& name) const {
        return std::filesystem::path(m_folder.path().toStdString()) / name;
    }
    Recipe with_adapter(const std::string& base) const {
        Recipe recipe = lora_recipe(folder(base));
        recipe.adapter.init_from = folder("adapter").string();
        return recipe;
    }

  private Q_SLOTS:
    void initTestCase() {
        QVERIFY(write_tiny_model(folder("base"), {}, 1));
        QVERIFY(write_tiny_model(folder("other"), {}, 2));
        QVERIFY(write_random_adapter(folder("adapter"), lora_recipe(folder("base")), 0.1));
    }

    void an_adapter_carries_what_its_base_is() {
        const auto config = read_model_config(folder("base"));
        const WeightMap map = make_weight_map(*config);
        const auto adapter = AdapterFiles::open(folder("adapter"), map);
        REQUIRE_OK(adapter);
        QVERIFY(adapter->trained_on());
        const auto engine = open_engine(with_adapter("base"));
        QVERIFY(engine);
        const auto files = CheckpointFiles::open(folder("base"));
        TensorSums sums(*files);
        sums.finish();
        QVERIFY(*adapter->trained_on() == fingerprint_of(folder("base"), *files, sums).value());
    }

    void another_base_is_told() {
        dayrun::engine::DecoderEngine same({}), other({});
        const auto right = same.prepare(with_adapter("base"));
        REQUIRE_OK(right);
        QVERIFY(right->notes.empty());
        const auto told = other.prepare(with_adapter("other"));
        REQUIRE_OK(told);
        QCOMPARE(told->notes.size(), size_t{1});
        QVERIFY2(told->notes[0].find("was trained on another base") != std::string::npos &&
                     told->notes[0].find("21 of 21 tensors differ") != std::string::npos,
                 told->notes[0].c_str());
    }

    // The bytes pass in another way in each of these, and the figure is the same.
    void every_way_of_loading_gives_the_same_figure_data() {
        QTest::addColumn<int>("way");
        for (int way = 0; way < 5; ++way) QTest::addRow("%d", way) << way;
    }
    void every_way_of_loading_gives_the_same_figure() {
        QFETCH(int, way);
        Recipe recipe = lora_recipe(folder("base"));
        if (way == 1) recipe.base.dtype = DtypeChoice::BFloat16;
        if (way == 2) recipe.quantization.base = BaseQuantization::Nf4;
        if (way == 3) recipe.adapter.method = AdapterMethod::Full;
        dayrun::engine::DecoderEngine plain({}), engine({.threads = way == 4 ? 3 : 1});
        const auto expected = plain.prepare(lora_recipe(folder("base")));
        const auto prepared = engine.prepare(recipe);
        REQUIRE_OK(expected);
        REQUIRE_OK(prepared);
        QVERIFY(!expected->base.tensors.empty());
        QVERIFY(prepared->base == expected->base);
    }

    // cp over a base folder writes into the very file that a run has mapped.
    void weights_written_to_in_use_are_not_saved_data() {
        QTest::addColumn<QString>("how");
        QTest::addColumn<bool>("is_refused");
        QTest::newRow("overwritten") << "overwritten" << true;
        QTest::newRow("only its date") << "touched" << false;
        QTest::newRow("replaced") << "replaced" << false;
        QTest::newRow("removed") << "removed" << false;
    }
    void weights_written_to_in_use_are_not_saved() {
        QFETCH(QString, how);
        QFETCH(bool, is_refused);
        const auto base = folder("used");
        std::filesystem::remove_all(base);
        QVERIFY(write_tiny_model(base, {}, 1));
        const auto file = base / "model.safetensors";
        std::string bytes = read_file(file).value();
        const auto engine = open_engine(lora_recipe(base));
        QVERIFY(engine && engine->save_adapter(folder("saved")).ok());
        bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
        if (how == "overwritten") {
            std::fstream in_place(file, std::ios::in | std::ios::out | std::ios::binary);
            in_place << bytes;
        }
        if (how == "replaced") QVERIFY(write_file(file, bytes).ok());
        if (how == "removed") std::filesystem::remove(file);
        if (how == "overwritten" || how == "touched") {
            const auto date = std::filesystem::last_write_time(file);
            std::filesystem::last_write_time(file, date + std::chrono::seconds(7));
        }
        const auto saved = engine->save_adapter(folder("saved"));
        QCOMPARE(saved.ok(), !is_refused);
        if (is_refused) {
            QVERIFY(saved.error().code == ErrorCode::FileDamaged);
            QVERIFY(saved.error().message.find("was written to while the run used it") !=
                    std::string::npos);
        }
    }

    void a_full_training_keeps_the_config_it_began_with() {
        const auto base = folder("full");
        QVERIFY(write_tiny_model(base, {}, 1));
        Recipe recipe = lora_recipe(base);
        recipe.adapter.method = AdapterMethod::Full;
        const auto engine = open_engine(recipe);
        QVERIFY(engine);
        std::string config = read_file(base / "config.json").value();
        config.replace(config.find("10000.0"), 7, "77777.0");
        QVERIFY(write_file(base / "config.json", config).ok());
        const auto refused = engine->save_adapter(folder("saved_full"));
        QVERIFY(!refused.ok() &&
                refused.error().message.find("has changed while") != std::string::npos);
        QVERIFY(!std::filesystem::exists(folder("saved_full")));
    }

    void a_drawn_base_is_its_config() {
        Recipe recipe = lora_recipe(folder("base"));
        recipe.base.random_init = true;
        recipe.adapter.method = AdapterMethod::Full;
        dayrun::engine::DecoderEngine engine({});
        const auto prepared = engine.prepare(recipe);
        REQUIRE_OK(prepared);
        QVERIFY(prepared->base.tensors.empty());
        QVERIFY(prepared->base.config.find("hidden_size") != std::string::npos);
    }

    void a_merge_asks_for_the_same_base() {
        const auto merge = [&](const std::string& base, bool takes_any) {
            return merge_adapter({.base = folder(base),
                                  .adapter = folder("adapter"),
                                  .out = folder("merged"),
                                  .takes_any_base = takes_any});
        };
        REQUIRE_OK(merge("base", false));
        const auto refused = merge("other", false);
        QVERIFY(!refused.ok());
        QVERIFY(refused.error().code == ErrorCode::BadModel);
        QVERIFY(refused.error().message.find("21 of 21 tensors differ") != std::string::npos);
        REQUIRE_OK(merge("other", true));
    }
};

DAYRUN_TEST(TestTrainedOn)
#include "test_trained_on.moc"
