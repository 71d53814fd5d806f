// config.json of every family, their defaults, both layouts of rope, windows and refusals.
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/model/weight_map.h"
#include "tests/core/model/model_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

nlohmann::json base(const char* architecture) {
    return {{"architectures", {architecture}}, {"hidden_size", 64},
            {"intermediate_size", 96},         {"num_hidden_layers", 4},
            {"num_attention_heads", 4},        {"vocab_size", 100},
            {"num_key_value_heads", 2}};
}

Result<ModelConfig> parsed(const nlohmann::json& json) {
    return parse_model_config(json.dump(), "folder/config.json");
}

}  // namespace

class TestModelConfig : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void fills_in_each_familys_defaults() {
        const auto llama = parsed(base("LlamaForCausalLM"));
        QVERIFY2(llama.ok(), llama.ok() ? "" : llama.error().text().c_str());
        QCOMPARE(llama->head_dim, int64_t(16));
        QCOMPARE(llama->rotary_dim, int64_t(16));
        QCOMPARE(llama->max_position_embeddings, int64_t(2048));
        QCOMPARE(llama->rms_norm_eps, 1e-6);
        QCOMPARE(llama->rope_theta, 10000.0);
        QVERIFY(!llama->qkv_bias && !llama->tie_word_embeddings && !llama->qk_norm);
        QCOMPARE(llama->sliding_window, (std::vector<int64_t>{0, 0, 0, 0}));

        const auto mistral = parsed(base("MistralForCausalLM"));
        QCOMPARE(mistral->sliding_window, (std::vector<int64_t>{4096, 4096, 4096, 4096}));
        const auto qwen2 = parsed(base("Qwen2ForCausalLM"));
        QVERIFY(qwen2->qkv_bias && !qwen2->o_bias);
        const auto qwen3 = parsed(base("Qwen3ForCausalLM"));
        QCOMPARE(qwen3->head_dim, int64_t(128));
        QVERIFY(qwen3->qk_norm && !qwen3->qkv_bias);
    }

    void counts_key_value_heads_by_family() {
        auto json = base("LlamaForCausalLM");
        json.erase("num_key_value_heads");
        QCOMPARE(parsed(json)->num_key_value_heads, int64_t(4));
        json = base("Qwen2ForCausalLM");
        json["num_key_value_heads"] = nullptr;
        QCOMPARE(parsed(json)->num_key_value_heads, int64_t(4));
        json = base("MistralForCausalLM");
        json.erase("num_key_value_heads");
        json["num_attention_heads"] = 16;
        QCOMPARE(parsed(json)->num_key_value_heads, int64_t(8));
        json["head_dim"] = nullptr;
        QCOMPARE(parsed(json)->head_dim, int64_t(4));
    }

    void reads_qwen1_with_its_own_names() {
        const auto config = parse_model_config(
            R"({"model_type": "qwen", "n_embd": 64, "n_head": 4, "n_layer": 2, "ffn_hidden_size": 96,
                "padded_vocab_size": 128, "kv_channels": 16, "layer_norm_epsilon": 1e-5,
                "rotary_emb_base": 20000, "rotary_pct": 0.5, "seq_length": 512,
                "n_positions": 1024, "use_dynamic_ntk": false})",
            "config.json");
        QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
        QVERIFY(config->family == ModelFamily::Qwen1);
        QCOMPARE(config->intermediate_size, int64_t(48));
        QCOMPARE(config->rotary_dim, int64_t(8));
        QCOMPARE(config->rope_theta, 20000.0);
        QCOMPARE(config->rms_norm_eps, 1e-5);
        QCOMPARE(config->vocab_size, int64_t(128));
        QCOMPARE(config->max_position_embeddings, int64_t(1024));
        QCOMPARE(config->seq_length, int64_t(512));
        QVERIFY(config->qkv_bias && !config->o_bias && !config->use_dynamic_ntk);
    }

    void reads_rope_of_both_layouts() {
        auto old = base("LlamaForCausalLM");
        old["rope_theta"] = 500000;
        old["rope_scaling"] = {{"rope_type", "llama3"},
                               {"factor", 8},
                               {"low_freq_factor", 1},
                               {"high_freq_factor", 4},
                               {"original_max_position_embeddings", 8192}};
        auto young = base("LlamaForCausalLM");
        young["rope_parameters"] = old["rope_scaling"];
        young["rope_parameters"]["rope_theta"] = 500000;
        for (const auto& json : {old, young}) {
            const auto config = parsed(json);
            QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
            QVERIFY(config->rope_scaling.kind == RopeScaling::Kind::Llama3);
            QCOMPARE(config->rope_theta, 500000.0);
            QCOMPARE(config->rope_scaling.factor, 8.0);
            QCOMPARE(config->rope_scaling.original_max_position_embeddings, int64_t(8192));
        }
        auto yarn = base("Qwen2ForCausalLM");
        yarn["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}};
        QVERIFY(parsed(yarn)->rope_scaling.kind == RopeScaling::Kind::Yarn);
        QCOMPARE(parsed(yarn)->rope_scaling.original_max_position_embeddings, int64_t(32768));
        yarn["rope_scaling"] = nullptr;
        QVERIFY(parsed(yarn)->rope_scaling.kind == RopeScaling::Kind::None);
    }

    // Phi 3's layout, which transformers 5 reads for every family.
    void the_top_level_gives_the_length_before_scaling() {
        constexpr const char* kLength = "original_max_position_embeddings";
        for (const char* const key : {"rope_scaling", "rope_parameters"}) {
            auto json = base("LlamaForCausalLM");
            json["max_position_embeddings"] = 128;
            json[kLength] = 32;
            json[key] = {{"rope_type", "yarn"}, {"factor", 4.0}};
            const auto length = [&] {
                const auto config = parsed(json);
                return config.ok() ? config->rope_scaling.original_max_position_embeddings : -1;
            };
            QCOMPARE(length(), int64_t(32));
            json[key][kLength] = 64;
            QCOMPARE(length(), int64_t(32));
            json[key] = {{"rope_type", "llama3"},
                         {"factor", 4.0},
                         {"low_freq_factor", 1},
                         {"high_freq_factor", 4}};
            QCOMPARE(length(), int64_t(32));
            json[key][kLength] = 64;
            QCOMPARE(length(), int64_t(32));
            // The length from which on angles change is the model's own.
            json[key] = {{"rope_type", "dynamic"}, {"factor", 4.0}, {kLength, 64}};
            QCOMPARE(length(), int64_t(128));
            json[kLength] = nullptr;
            json[key] = {{"rope_type", "yarn"}, {"factor", 4.0}, {kLength, 64}};
            QCOMPARE(length(), int64_t(64));
            json[key].erase(kLength);
            QCOMPARE(length(), int64_t(128));
            json[kLength] = "32";
            QCOMPARE(length(), int64_t(-1));
        }
    }

    void takes_one_of_two_rope_places_as_transformers_does() {
        auto json = base("LlamaForCausalLM");
        json["rope_theta"] = 1000;
        json["partial_rotary_factor"] = 0.5;
        json["rope_parameters"] = {{"rope_type", "linear"},
                                   {"factor", 2.0},
                                   {"rope_theta", 2000},
                                   {"partial_rotary_factor", 0.25}};
        QCOMPARE(parsed(json)->rope_theta, 2000.0);
        QCOMPARE(parsed(json)->rotary_dim, int64_t(4));
        json["rope_scaling"] = nlohmann::json::object();
        QVERIFY(parsed(json)->rope_scaling.kind == RopeScaling::Kind::Linear);
        json["rope_scaling"] = {{"rope_type", "dynamic"}, {"factor", 4.0}};
        const auto both = parsed(json);
        QVERIFY(both->rope_scaling.kind == RopeScaling::Kind::Dynamic);
        QCOMPARE(both->rope_scaling.factor, 4.0);
        QCOMPARE(both->rope_theta, 1000.0);
        QCOMPARE(both->rotary_dim, int64_t(8));
    }

    void gives_windows_to_the_right_layers() {
        auto json = base("Qwen2ForCausalLM");
        json["sliding_window"] = 7;
        json["max_window_layers"] = 1;
        QCOMPARE(parsed(json)->sliding_window, (std::vector<int64_t>{0, 0, 0, 0}));
        json["use_sliding_window"] = true;
        QCOMPARE(parsed(json)->sliding_window, (std::vector<int64_t>{0, 7, 7, 7}));
        json["layer_types"] = {"sliding_attention", "full_attention", "full_attention",
                               "sliding_attention"};
        QCOMPARE(parsed(json)->sliding_window, (std::vector<int64_t>{7, 0, 0, 7}));
        json["layer_types"][1] = "chunked_attention";
        QVERIFY(parsed(json).error().message.find("chunked_attention") != std::string::npos);
        auto mistral = base("MistralForCausalLM");
        mistral["sliding_window"] = nullptr;
        QCOMPARE(parsed(mistral)->sliding_window, (std::vector<int64_t>{0, 0, 0, 0}));
    }

    void reads_token_ids() {
        auto json = base("LlamaForCausalLM");
        json["bos_token_id"] = 1;
        json["eos_token_id"] = {2, 3};
        QCOMPARE(*parsed(json)->bos_token_id, 1);
        QCOMPARE(parsed(json)->eos_token_ids, (std::vector<int32_t>{2, 3}));
        json["eos_token_id"] = {"x"};
        QVERIFY(!parsed(json).ok());
    }

    void refuses_bad_configs_data() {
        QTest::addColumn<QString>("patch");
        QTest::addColumn<QString>("said");
        const auto row = [](const char* patch, const char* said) {
            QTest::newRow(patch) << QString(patch) << QString(said);
        };
        row(R"({"hidden_size": null})", "no field 'hidden_size'");
        row(R"({"vocab_size": null})", "no field 'vocab_size'");
        row(R"({"hidden_size": 0})", "'hidden_size'");
        row(R"({"hidden_size": "64"})", "\"64\"");
        row(R"({"hidden_size": 64.5})", "64.5");
        row(R"({"hidden_size": 1e30})", "1e+30");
        row(R"({"num_hidden_layers": 18446744073709551615})", "num_hidden_layers");
        row(R"({"vocab_size": -1})", "-1");
        row(R"({"hidden_size": 65})", "do not divide");
        row(R"({"num_key_value_heads": 3})", "do not divide");
        row(R"({"hidden_act": "gelu"})", "gelu");
        row(R"({"rms_norm_eps": -1})", "rms_norm_eps");
        row(R"({"tie_word_embeddings": "yes"})", "true or false");
        row(R"({"rope_scaling": {"rope_type": "longrope"}})", "longrope");
        row(R"({"rope_scaling": {"rope_type": "linear"}})", "no 'factor'");
        row(R"({"rope_scaling": {"factor": 2}})", "names no rope_type");
        row(R"({"rope_scaling": [1]})", "no object");
        row(R"({"rope_parameters": {"full_attention": {"rope_type": "default"}}})",
            "each type of layer ('full_attention')");
        row(R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
                "high_freq_factor": 4}})",
            "no field 'original_max_position_embeddings'");
        row(R"({"head_dim": 3})", "even number");
        row(R"({"architectures": ["GemmaForCausalLM"]})", "GemmaForCausalLM");
        row(R"({"architectures": null})", "neither");
        row(R"({"quantization_config": {"quant_method": "gptq"}})", "gptq");
    }

    void refuses_bad_configs() {
        QFETCH(QString, patch);
        QFETCH(QString, said);
        auto json = base("LlamaForCausalLM");
        json.merge_patch(nlohmann::json::parse(patch.toStdString()));
        const auto config = parsed(json);
        QVERIFY(!config.ok());
        const QString text = QString::fromStdString(config.error().text());
        QVERIFY2(text.contains(said) && text.contains("folder/config.json"), qPrintable(text));
    }

    void names_the_line_of_broken_json() {
        const auto config = parse_model_config("{\n \"a\": 1,\n \"b\" 2}", "config.json");
        QVERIFY(!config.ok());
        QCOMPARE(config.error().where.line, 3);
        const Folder folder;
        const auto missing = read_model_config(folder.path());
        QVERIFY(!missing.ok() && missing.error().code == ErrorCode::FileMissing);
    }

    void reads_every_reference_config() {
        DAYRUN_REQUIRE_SHARED(goldens, "goldens/models");
        for (const auto& entry : std::filesystem::directory_iterator(goldens)) {
            const auto config = read_model_config(entry.path());
            QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
            const auto checkpoint = CheckpointFiles::open(entry.path());
            QVERIFY(checkpoint.ok());
            const WeightMap map = make_weight_map(*config);
            size_t count = 0;
            for (const WeightInfo& weight : weights_of(*config, map)) {
                const auto found = checkpoint->require(weight.name, weight.shape);
                QVERIFY2(found.ok(), found.ok() ? "" : found.error().text().c_str());
                ++count;
            }
            QCOMPARE(count, checkpoint->files()[0]->tensors().size());
            QCOMPARE(parameter_count(*config) * 4, checkpoint->total_bytes());
        }
    }
};

DAYRUN_TEST(TestModelConfig)
#include "test_model_config.moc"
