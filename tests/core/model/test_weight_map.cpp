// Tensor names, counts of published models, and which modules target_modules selects.
#include <QTest>

#include "core/model/weight_map.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

using Targets = std::variant<std::vector<std::string>, std::string>;
using Names = std::vector<std::string>;

ModelConfig shape(ModelFamily family, int64_t hidden, int64_t intermediate, int64_t layers,
                  int64_t heads, int64_t kv_heads, int64_t vocab) {
    ModelConfig config;
    config.family = family;
    config.hidden_size = hidden;
    config.intermediate_size = intermediate;
    config.num_hidden_layers = layers;
    config.num_attention_heads = heads;
    config.num_key_value_heads = kv_heads;
    config.head_dim = hidden / heads;
    config.vocab_size = vocab;
    config.qkv_bias = family == ModelFamily::Qwen1 || family == ModelFamily::Qwen2;
    return config;
}

size_t matched(const WeightMap& map, const Targets& targets) {
    const auto chosen = match_target_modules(map, targets);
    return chosen.ok() ? chosen->size() : 0;
}

}  // namespace

class TestWeightMap : public QObject {
    Q_OBJECT
    const WeightMap m_llama = make_weight_map(shape(ModelFamily::Llama, 64, 96, 12, 4, 2, 100));
    const WeightMap m_qwen1 = make_weight_map(shape(ModelFamily::Qwen1, 64, 96, 12, 4, 4, 100));

  private Q_SLOTS:
    void counts_the_parameters_of_published_models() {
        // The sums of all tensor sizes of the published checkpoints.
        const auto mistral = shape(ModelFamily::Mistral, 4096, 14336, 32, 32, 8, 32000);
        QCOMPARE(parameter_count(mistral), int64_t(7241732096));
        QCOMPARE(linear_parameter_count(mistral), int64_t(6979321856));
        auto qwen2 = shape(ModelFamily::Qwen2, 896, 4864, 24, 14, 2, 151936);
        qwen2.tie_word_embeddings = true;
        QCOMPARE(parameter_count(qwen2), int64_t(494032768));
        // QWen-7B: total_size 15,442,649,088 bytes of bfloat16.
        const auto qwen1 = shape(ModelFamily::Qwen1, 4096, 11008, 32, 32, 32, 151936);
        QCOMPARE(parameter_count(qwen1) * 2, int64_t(15442649088));
    }

    void names_qwen1_tensors() {
        const auto& layer = m_qwen1.layers[3];
        QCOMPARE(m_qwen1.embed_tokens, std::string("transformer.wte.weight"));
        QCOMPARE(layer.input_norm, std::string("transformer.h.3.ln_1.weight"));
        QCOMPARE(layer.linears.size(), size_t(5));
        QCOMPARE(layer.linears[0].module, std::string("transformer.h.3.attn.c_attn"));
        QCOMPARE(layer.linears[0].out_features, int64_t(192));
        QVERIFY(layer.linears[0].has_bias && !layer.linears[1].has_bias);
        QVERIFY(layer.linears[2].role == LinearRole::Gate);
        QCOMPARE(layer.linears[2].module, std::string("transformer.h.3.mlp.w2"));
    }

    void matches_by_peft_rules() {
        QCOMPARE(matched(m_llama, Names{"q_proj", "v_proj"}), size_t(24));
        QCOMPARE(matched(m_llama, Names{"self_attn.q_proj"}), size_t(12));
        QCOMPARE(matched(m_llama, Names{"model.layers.1.self_attn.q_proj"}), size_t(1));
        QCOMPARE(matched(m_llama, Names{"proj"}), size_t(0));
        QCOMPARE(matched(m_llama, Names{"layers.1.self_attn.q_proj"}), size_t(1));
        QCOMPARE(matched(m_llama, std::string("all-linear")), size_t(84));
        QCOMPARE(matched(m_llama, std::string("ALL-Linear")), size_t(84));
        QCOMPARE(matched(m_llama, std::string(R"(.*\.[12]\..*_proj)")), size_t(14));
        QCOMPARE(matched(m_llama, std::string("q_proj")), size_t(0));
        QCOMPARE(matched(m_llama, std::string(R"(.*(q|v)_proj)")), size_t(24));
        QCOMPARE(matched(m_qwen1, Names{"c_attn", "c_proj"}), size_t(36));
        QCOMPARE(matched(m_qwen1, Names{"attn.c_proj"}), size_t(12));
    }

    void lists_the_names_there_are() {
        const auto wrong = match_target_modules(m_llama, Names{"q_proj", "c_attn"});
        QVERIFY(!wrong.ok() && wrong.error().code == ErrorCode::BadRecipe);
        QCOMPARE(wrong.error().text(),
                 std::string("target_modules: 'c_attn' matches no linear module of this model. The "
                             "names there are: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, "
                             "down_proj."));
        const auto qwen = match_target_modules(m_qwen1, std::string("q_proj"));
        QCOMPARE(
            qwen.error().hint,
            std::string("A text alone is a regular expression for a module's whole name; write "
                        "a list for endings of names. The names there are: c_attn, "
                        "attn.c_proj, w2, w1, mlp.c_proj."));
        const auto listed = match_target_modules(m_llama, Names{"all-linear"});
        QVERIFY(listed.error().hint.starts_with("It is no name: write it alone, not in a list."));
        QVERIFY(!match_target_modules(m_llama, Names{}).ok());
    }

    void refuses_bad_patterns_and_survives_hostile_ones() {
        const auto bad = match_target_modules(m_llama, std::string("(q_proj"));
        QVERIFY(!bad.ok() && bad.error().code == ErrorCode::BadRecipe);
        QVERIFY(bad.error().message.find("not a regular expression") != std::string::npos);
        QVERIFY(!match_target_modules(m_llama, std::string("(([a-z._0-9]+)+)+!")).ok());
    }
};

DAYRUN_TEST(TestWeightMap)
#include "test_weight_map.moc"
