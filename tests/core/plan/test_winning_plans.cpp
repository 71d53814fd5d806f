// Both winning recipes of the NeurIPS 2023 LLM Efficiency Challenge against the published shapes of
// their bases, of which only config.json is there: they fit their cards, with every part listed.
#include <QTest>
#include <algorithm>

#include "core/plan/preflight.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

constexpr const char* kMistral7b =
    R"({"architectures": ["MistralForCausalLM"], "model_type": "mistral", "vocab_size": 32000,
        "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0, "max_position_embeddings": 32768, "sliding_window": 4096,
        "hidden_act": "silu", "tie_word_embeddings": false, "torch_dtype": "bfloat16",
        "bos_token_id": 1, "eos_token_id": 2})";
constexpr const char* kQwen14b =
    R"({"architectures": ["QWenLMHeadModel"], "model_type": "qwen", "vocab_size": 152064,
        "hidden_size": 5120, "intermediate_size": 27392, "num_hidden_layers": 40,
        "num_attention_heads": 40, "kv_channels": 128, "layer_norm_epsilon": 1e-06,
        "rotary_emb_base": 10000, "rotary_pct": 1.0, "seq_length": 2048,
        "max_position_embeddings": 8192, "no_bias": true, "use_dynamic_ntk": true,
        "use_logn_attn": true, "tie_word_embeddings": false, "bf16": true})";

constexpr double kGibibyte = 1024.0 * 1024.0 * 1024.0;

double gibibytes(const MemoryEstimate& estimate, MemoryPart part) {
    return static_cast<double>(estimate.bytes_of(part)) / kGibibyte;
}

bool is_near(double value, double want) {
    return std::abs(value - want) < 0.005 * want;
}

// Birbal: NF4 with double quantization, rank 128 on seven projections, packed 2 x 8,192.
Recipe upaya(const TempProject& place) {
    Recipe recipe = *place.recipe();
    recipe.quantization.base = BaseQuantization::Nf4;
    recipe.quantization.double_quant = true;
    recipe.quantization.block_size = 64;
    recipe.base.dtype = DtypeChoice::BFloat16;
    recipe.adapter.method = AdapterMethod::Lora;
    recipe.adapter.lora_rank = 128;
    recipe.adapter.target_modules = std::vector<std::string>{
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
    recipe.tokens.max_seq_len = 8192;
    recipe.tokens.packing = true;
    recipe.batch.micro_batch_size = 2;
    recipe.optimizer.name = OptimizerName::PagedAdamW32bit;
    return recipe;
}

// Percent-BFD: bfloat16, rank 8 on c_attn and c_proj, unpacked rows of 512 + 512.
Recipe percent_bfd(const TempProject& place) {
    Recipe recipe = *place.recipe();
    recipe.base.dtype = DtypeChoice::BFloat16;
    recipe.adapter.lora_rank = 8;
    recipe.adapter.target_modules = std::vector<std::string>{"c_attn", "c_proj"};
    recipe.tokens.max_seq_len = 2048;
    recipe.tokens.max_prompt_tokens = 512;
    recipe.tokens.max_response_tokens = 512;
    recipe.tokens.packing = false;
    recipe.batch.micro_batch_size = 2;
    return recipe;
}

}  // namespace

class TestWinningPlans : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void mistral_7b_with_qlora_fits_a_4090() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kMistral7b).ok());
        const auto sheet = make_plan(
            upaya(place), {.device_memory_bytes = static_cast<int64_t>(23.0 * kGibibyte)});
        QVERIFY(sheet.ok() && sheet->memory);
        const MemoryEstimate& memory = *sheet->memory;
        QVERIFY2(memory.total_bytes <= *sheet->memory_limit_bytes,
                 std::to_string(memory.total_bytes).c_str());
        QCOMPARE(memory.trained_parameter_count, int64_t{335544320});
        QCOMPARE(memory.micro_batch_tokens, int64_t{16384});
        // 6,979,321,856 weights of 4 bits; embedding, head and norms of 16.
        QVERIFY(is_near(gibibytes(memory, MemoryPart::Weights), 3.25 + 0.4888));
        QVERIFY(is_near(gibibytes(memory, MemoryPart::Constants), 3.25 * 0.126953 / 4));
        QVERIFY(is_near(gibibytes(memory, MemoryPart::Adapters), 1.25 * 1.5));
        QVERIFY(is_near(gibibytes(memory, MemoryPart::Gradients), 1.25));
        QVERIFY(is_near(static_cast<double>(memory.state_bytes) / kGibibyte, 2.5));
        QVERIFY(memory.host_bytes >= memory.state_bytes);  // paged: the moments lie in host memory
        QVERIFY(gibibytes(memory, MemoryPart::Optimizer) < 0.3);
        for (const PlannedPart& part : memory.parts) {
            QVERIFY(!part.basis.empty());
            const bool is_empty =
                part.part == MemoryPart::Cache || part.part == MemoryPart::Libtorch;
            QVERIFY2(is_empty == (part.bytes == 0), part.name.c_str());
        }
        // Not all is kept at this length, and not all is made again: the budget is used.
        QVERIFY(memory.recompute_ratio > 0 && memory.recompute_ratio < 0.8);
        QVERIFY(memory.total_bytes > static_cast<int64_t>(22.0 * kGibibyte));
        // What the rest of the sheet needs is said.
        QCOMPARE(sheet->missing.size(), size_t{2});
        QVERIFY(sheet->can_start());
    }

    void qwen_14b_with_lora_fits_an_a100_40() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kQwen14b).ok());
        const auto sheet = make_plan(
            percent_bfd(place), {.device_memory_bytes = static_cast<int64_t>(39.0 * kGibibyte)});
        QVERIFY(sheet.ok() && sheet->memory);
        const MemoryEstimate& memory = *sheet->memory;
        QVERIFY2(memory.total_bytes <= *sheet->memory_limit_bytes,
                 std::to_string(memory.total_bytes).c_str());
        // c_proj is the attention's and the MLP's: the published adapter's size.
        QCOMPARE(memory.trained_parameter_count, int64_t{15851520});
        QCOMPARE(memory.micro_batch_tokens, int64_t{2048});
        QVERIFY(is_near(gibibytes(memory, MemoryPart::Weights),
                        2.0 * static_cast<double>(memory.parameter_count) / kGibibyte));
        QCOMPARE(memory.bytes_of(MemoryPart::Constants), int64_t{0});
        QCOMPARE(memory.host_bytes, int64_t{0});
        QVERIFY(memory.recompute_ratio < 0.2);
    }

    void a_smaller_card_recomputes_more() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kMistral7b).ok());
        double former = -1;
        for (const double card : {80.0, 40.0, 23.0, 18.0, 16.0}) {
            const auto sheet = make_plan(
                upaya(place), {.device_memory_bytes = static_cast<int64_t>(card * kGibibyte)});
            QVERIFY(sheet.ok() && sheet->memory);
            QVERIFY2(sheet->memory->total_bytes <= *sheet->memory_limit_bytes,
                     std::to_string(card).c_str());
            QVERIFY(sheet->memory->recompute_ratio >= former);
            former = sheet->memory->recompute_ratio;
        }
        const auto none =
            make_plan(upaya(place), {.device_memory_bytes = static_cast<int64_t>(6 * kGibibyte)});
        QVERIFY(none->memory->total_bytes > *none->memory_limit_bytes);
        const auto is_amber = [](const PreflightCheck& check) {
            return check.name == "memory" && check.level == CheckLevel::Amber;
        };
        QVERIFY(std::any_of(none->checks.begin(), none->checks.end(), is_amber));
    }
};

DAYRUN_TEST(TestWinningPlans)
#include "test_winning_plans.moc"
