// adapter_config.json both ways, refusals by key, and adapter folders against a base.
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/model/adapter_files.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

Result<AdapterConfig> parsed(const std::string& text) {
    return parse_adapter_config(text, "a/adapter_config.json");
}

/// A rank-2 adapter on the first layer's q_proj of the tiny model.
TensorSet tiny_adapter() {
    TensorSet tensors;
    const std::string module = "model.layers.0.self_attn.q_proj";
    tensors.add(lora_a_name(module), {2, 8}, pattern_values(16, 1));
    tensors.add(lora_b_name(module), {8, 2}, pattern_values(16, 2));
    return tensors;
}

}  // namespace

class TestAdapterConfig : public QObject {
    Q_OBJECT
    const ModelConfig m_config = *parse_model_config(kTinyConfig, "config.json");
    const WeightMap m_map = make_weight_map(m_config);

    std::string open_error(const Folder& folder) {
        const auto adapter = AdapterFiles::open(folder.path(), m_map);
        return adapter.ok() ? "opened" : adapter.error().text();
    }

  private Q_SLOTS:
    void writes_what_it_reads() {
        const Folder folder;
        AdapterConfig config{.rank = 16,
                             .alpha = 32,
                             .dropout = 0.05,
                             .use_rslora = true,
                             .target_modules = std::vector<std::string>{"v_proj", "q_proj"},
                             .rank_pattern = {{"v_proj", 4}, {"layers\\.0\\..*", 8}},
                             .alpha_pattern = {{"v_proj", 1.5}},
                             .base_model_name_or_path = "some/model"};
        QVERIFY(write_adapter_config(config, folder.path()).ok());
        const auto json = nlohmann::json::parse(*read_file(folder / "adapter_config.json"));
        QCOMPARE(json["lora_alpha"].dump(), std::string("32"));
        QCOMPARE(json["peft_type"].get<std::string>(), std::string("LORA"));
        QVERIFY(json["modules_to_save"].is_null() && json["inference_mode"] == true);
        const auto read = read_adapter_config(folder.path());
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().text().c_str());
        QCOMPARE(read->rank, int64_t(16));
        QCOMPARE(read->dropout, 0.05);
        QVERIFY(read->target_modules == config.target_modules);
        QVERIFY(read->rank_pattern == config.rank_pattern);
        QVERIFY(read->alpha_pattern == config.alpha_pattern);
        QCOMPARE(read->base_model_name_or_path, std::string("some/model"));
    }

    void scales_after_the_patterns() {
        const auto config = parsed(R"({"r": 16, "lora_alpha": 32, "target_modules": "all-linear",
                       "rank_pattern": {"z_proj": 1, "v_proj": 4, ".*proj": 2},
                       "alpha_pattern": {"layers.1.self_attn.v_proj": 8}})");
        QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
        QCOMPARE(config->rank_of("model.layers.1.self_attn.v_proj"), int64_t(4));
        QCOMPARE(config->rank_of("model.layers.1.self_attn.q_proj"), int64_t(2));
        QCOMPARE(config->rank_of("transformer.h.0.attn.c_attn"), int64_t(16));
        QCOMPARE(config->scaling_of("model.layers.1.self_attn.v_proj"), 2.0);
        QCOMPARE(config->scaling_of("model.layers.2.self_attn.v_proj"), 8.0);
        const auto rslora = parsed(R"({"r": 16, "lora_alpha": 8, "use_rslora": true})");
        QCOMPARE(rslora->scaling_of("q_proj"), 2.0);
    }

    void passes_over_unknown_keys() {
        const auto config = parsed(R"({"r": 4, "lora_plus_lr_ratio": 16, "new_thing": {"a": 1}})");
        QVERIFY(config.ok());
        QVERIFY(config->target_modules == (std::variant<std::vector<std::string>, std::string>(
                                              std::vector<std::string>{"q_proj", "v_proj"})));
    }

    void keeps_what_narrows_the_targets() {
        const Folder folder;
        const auto config = parsed(R"({"r": 4, "exclude_modules": ["k_proj"],
                                       "layers_to_transform": [0, 2], "layers_pattern": null})");
        QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
        QVERIFY(write_adapter_config(*config, folder.path()).ok());
        const auto read = read_adapter_config(folder.path());
        QVERIFY(read.ok());
        QVERIFY(read->narrowing ==
                (std::map<std::string, std::string>{{"exclude_modules", "[\"k_proj\"]"},
                                                    {"layers_to_transform", "[0,2]"}}));
    }

    void refuses_by_key_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("said");
        const auto row = [](const char* text, const char* said) {
            QTest::newRow(text) << QString(text) << QString(said);
        };
        row(R"({"peft_type": "ADALORA"})", "'ADALORA'");
        row(R"({"bias": "all"})", "'bias'");
        row(R"({"modules_to_save": ["lm_head"]})", "'modules_to_save'");
        row(R"({"layer_replication": [[0, 1]]})", "'layer_replication'");
        row(R"({"fan_in_fan_out": true})", "'fan_in_fan_out'");
        row(R"({"trainable_token_indices": [1]})", "'trainable_token_indices'");
        row(R"({"use_bdlora": {"nblocks": 2}})", "'use_bdlora'");
        row(R"({"init_lora_weights": "pissa"})", "'pissa'");
        row(R"({"task_type": "SEQ_CLS"})", "'SEQ_CLS'");
        row(R"({"r": 0})", "'r'");
        row(R"({"r": "8"})", "'r'");
        row(R"({"lora_alpha": "8"})", "'lora_alpha'");
        row(R"({"lora_dropout": 1})", "'lora_dropout'");
        row(R"({"target_modules": [1]})", "target_modules");
        row(R"({"target_modules": []})", "target_modules");
        row("{\"rank_pattern\": {\"(\": 1}}", "rank_pattern");
        row(R"({"rank_pattern": {"a": 0}})", "rank_pattern");
        row(R"({"r": 8, "r": 9})", "'r' twice");
        row("[]", "not an object");
    }

    void refuses_by_key() {
        QFETCH(QString, text);
        QFETCH(QString, said);
        const auto config = parsed(text.toStdString());
        QVERIFY(!config.ok());
        const QString message = QString::fromStdString(config.error().text());
        QVERIFY2(message.contains(said) && message.contains("a/adapter_config.json"),
                 qPrintable(message));
    }

    void opens_an_adapter_that_fits() {
        const Folder folder;
        write_text(folder / "adapter_config.json", R"({"r": 2, "lora_alpha": 4})");
        QVERIFY(tiny_adapter().write(folder / "adapter_model.safetensors").ok());
        const auto adapter = AdapterFiles::open(folder.path(), m_map);
        QVERIFY2(adapter.ok(), adapter.ok() ? "" : adapter.error().text().c_str());
        QCOMPARE(adapter->modules().size(), size_t(1));
        QCOMPARE(adapter->modules()[0].scaling, 2.0);
        QVERIFY(adapter->modules()[0].linear == &m_map.layers[0].linears[0]);
    }

    void refuses_adapters_that_do_not_fit() {
        const Folder folder;
        QVERIFY(tiny_adapter().write(folder / "adapter_model.safetensors").ok());
        write_text(folder / "adapter_config.json", R"({"r": 4, "lora_alpha": 4})");
        QVERIFY(open_error(folder).find("asks for") == std::string::npos);
        QVERIFY(open_error(folder).find("ask for [4, 8]") != std::string::npos);
        write_text(folder / "adapter_config.json", R"({"r": 2, "use_dora": true})");
        QVERIFY(open_error(folder).find("does not hold all tensors") != std::string::npos);

        write_text(folder / "adapter_config.json", R"({"r": 2})");
        TensorSet other = tiny_adapter();
        other.add(lora_a_name("model.layers.9.self_attn.q_proj"), {2, 8}, pattern_values(16, 3));
        QVERIFY(other.write(folder / "adapter_model.safetensors").ok());
        QVERIFY(open_error(folder).find("fits no module") != std::string::npos);
        TensorSet head = tiny_adapter();
        head.add(lora_a_name("lm_head"), {2, 8}, pattern_values(16, 3));
        QVERIFY(head.write(folder / "adapter_model.safetensors").ok());
        QVERIFY(open_error(folder).find("output head") != std::string::npos);
        TensorSet half;
        half.add(lora_a_name("model.layers.0.self_attn.q_proj"), {2, 8}, pattern_values(16, 3));
        QVERIFY(half.write(folder / "adapter_model.safetensors").ok());
        QVERIFY(open_error(folder).find("does not hold all tensors") != std::string::npos);
        QVERIFY(TensorSet().write(folder / "adapter_model.safetensors").ok());
        QVERIFY(open_error(folder).find("holds no tensors") != std::string::npos);
        std::filesystem::remove(folder / "adapter_model.safetensors");
        write_text(folder / "adapter_model.bin", "PK");
        QVERIFY(open_error(folder).find("pickle") != std::string::npos);
    }

    void reads_published_configs() {
        DAYRUN_REQUIRE_SHARED(adapters, "adapters");
        int read = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(adapters)) {
            if (entry.path().filename() != "adapter_config.json") continue;
            const auto config = read_adapter_config(entry.path().parent_path());
            const std::string folder = entry.path().parent_path().filename().string();
            const bool is_refused = folder.find("bdlora") != std::string::npos ||
                                    folder.find("kasa") != std::string::npos ||
                                    folder.find("mica") != std::string::npos ||
                                    folder.find("modules_to_save") != std::string::npos ||
                                    folder.find("conv1d") != std::string::npos;
            QVERIFY2(config.ok() != is_refused,
                     config.ok() ? folder.c_str() : config.error().text().c_str());
            ++read;
        }
        QVERIFY(read > 10);
    }

    void opens_reference_adapters() {
        DAYRUN_REQUIRE_SHARED(goldens, "goldens/models");
        for (const auto& entry : std::filesystem::directory_iterator(goldens)) {
            const auto config = read_model_config(entry.path());
            const WeightMap map = make_weight_map(*config);
            for (const char* const method : {"lora", "rslora", "dora"}) {
                const auto folder = entry.path() / method / "init";
                if (!std::filesystem::exists(folder)) continue;
                const auto adapter = AdapterFiles::open(folder, map);
                QVERIFY2(adapter.ok(), adapter.ok() ? "" : adapter.error().text().c_str());
                const auto chosen = match_target_modules(map, adapter->config().target_modules);
                QVERIFY2(chosen.ok(), chosen.ok() ? "" : chosen.error().text().c_str());
                QCOMPARE(chosen->size(), adapter->modules().size());
            }
        }
    }
};

DAYRUN_TEST(TestAdapterConfig)
#include "test_adapter_config.moc"
