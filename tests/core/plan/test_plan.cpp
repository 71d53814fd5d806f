// The pre-flight sheet: memory parts against counts made by hand, time, and each check's colour.
#include <QTest>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "core/model/adapter_config.h"
#include "core/model/safetensors.h"
#include "core/plan/preflight.h"
#include "core/plan/start_adapter.h"
#include "tests/support/damaged_cache.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

constexpr const char* kConfig =
    R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 64,
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 128, "hidden_act": "silu", "tie_word_embeddings": false,
        "torch_dtype": "float32"})";

int64_t part(const MemoryEstimate& estimate, std::string_view name) {
    for (const PlannedPart& one : estimate.parts) {
        if (one.name == name) return one.bytes;
    }
    return -1;
}

const PreflightCheck* find_check(const PlanSheet& sheet, std::string_view name) {
    for (const PreflightCheck& check : sheet.checks) {
        if (check.name == name) return &check;
    }
    return nullptr;
}

}  // namespace

class TestPlan : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void memory_parts_are_counted_from_the_shape() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kConfig).ok());
        const auto config = read_model_config(place.folder() / "base");
        QVERIFY2(config.ok(), config.ok() ? "" : config.error().text().c_str());
        const auto recipe = place.recipe("adapter: {lora_rank: 4}\n");
        const auto estimate =
            estimate_memory(*config, *recipe, {.train = {32, 32, 32}, .eval = {}});
        QVERIFY2(estimate.ok(), estimate.ok() ? "" : estimate.error().text().c_str());
        // Per layer: 4 square projections of 16, 3 of 16 x 32, 2 norms; and embedding, head, norm.
        const int64_t parameters = 2 * (4 * 16 * 16 + 3 * 16 * 32 + 2 * 16) + 2 * 64 * 16 + 16;
        QCOMPARE(estimate->parameter_count, parameters);
        QCOMPARE(part(*estimate, "weights"), 4 * parameters);
        // r * (in + out) of the seven projections.
        const int64_t trained = 2 * 4 * (4 * (16 + 16) + 3 * (16 + 32));
        QCOMPARE(estimate->trained_parameter_count, trained);
        QCOMPARE(part(*estimate, "adapters"), 4 * trained);
        QCOMPARE(part(*estimate, "gradients"), 4 * trained);
        QCOMPARE(part(*estimate, "optimizer"), 8 * trained);
        QCOMPARE(part(*estimate, "logits"), int64_t{4 * 32 * 64});
        // Per layer and token: input, q, k, v, attention, middle of 16, gate and up of 32, two
        // adapters' products of 4 at o and down, of 12 and 8 at q k v and gate up; two norms and
        // two heads' sums in float32.
        QCOMPARE(part(*estimate, "activations"),
                 int64_t{2 * 32 * 4 * (6 * 16 + 2 * 32 + 4 + 4 + 12 + 8 + 2 + 2)});
        int64_t sum = 0;
        for (const PlannedPart& one : estimate->parts) sum += one.bytes;
        QCOMPARE(estimate->parts.size(), static_cast<size_t>(MemoryPart::Count));
        QCOMPARE(estimate->total_bytes, sum);
    }

    // The head that the weights hold is counted and told, whatever config.json ties.
    void a_stored_head_is_counted_and_told() {
        const TempProject place;
        nlohmann::json json = nlohmann::json::parse(kConfig);
        json["tie_word_embeddings"] = true;
        QVERIFY(write_file(place.folder() / "base/config.json", json.dump()).ok());
        const auto planned = [&](const char* recipe) {
            const auto sheet = make_plan(*place.recipe(recipe), {});
            return sheet.ok() ? *sheet : PlanSheet();
        };
        const PlanSheet alone = planned("adapter: {lora_rank: 4}\n");
        QVERIFY(alone.memory && find_check(alone, "base model") == nullptr);
        std::vector<float> embedding(64 * 16, 1), head(64 * 16, 2);
        const auto tensor = [](const char* name, const std::vector<float>& values) {
            return TensorToWrite{
                name, TensorDtype::Float32, {64, 16}, std::as_bytes(std::span(values))};
        };
        QVERIFY(write_safetensors(place.folder() / "base/model.safetensors",
                                  {tensor("model.embed_tokens.weight", embedding),
                                   tensor("lm_head.weight", head)})
                    .ok());
        const PlanSheet sheet = planned("adapter: {lora_rank: 4}\n");
        QCOMPARE(sheet.memory->parameter_count, alone.memory->parameter_count + 64 * 16);
        QCOMPARE(part(*sheet.memory, "weights"), part(*alone.memory, "weights") + 4 * 64 * 16);
        const PreflightCheck* const check = find_check(sheet, "base model");
        QVERIFY(check != nullptr && check->level == CheckLevel::Amber);
        QVERIFY(check->message.find("hold another 'lm_head.weight'") != std::string::npos);
        // Drawn weights have no use for the files.
        const PlanSheet drawn = planned("adapter: {method: full}\n");
        const Recipe random = [&] {
            Recipe recipe = *place.recipe("adapter: {method: full}\n");
            recipe.base.random_init = true;
            return recipe;
        }();
        const auto fresh = make_plan(random, {});
        QVERIFY(fresh.ok() && find_check(*fresh, "base model") == nullptr);
        QCOMPARE(fresh->memory->parameter_count, drawn.memory->parameter_count - 64 * 16);
    }

    void sheet_of_good_data_can_start() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kConfig).ok());
        const auto recipe = place.recipe("batch: {micro_batch_size: 2, epochs: 3}\n");
        const auto sheet = make_plan(*recipe, {.cache_folder = place.folder() / "cache",
                                               .tokens_per_second = 100.0,
                                               .speed_basis = "measured"});
        QVERIFY2(sheet.ok(), sheet.ok() ? "" : sheet.error().text().c_str());
        QVERIFY(sheet->can_start());
        // There is only a config.json: a run would need the weights.
        QCOMPARE(sheet->missing.size(), size_t{1});
        QVERIFY(sheet->missing[0].find("weights") != std::string::npos);
        QCOMPARE(sheet->time->total_steps, int64_t{60});
        // 40 rows of 6 to 13 tokens, five times each length.
        QCOMPARE(sheet->time->train_tokens, int64_t{3 * 5 * (6 + 7 + 8 + 9 + 10 + 11 + 12 + 13)});
        QCOMPARE(*sheet->time->train_s, 11.4);
        for (const char* name : {"memory", "disk space", "training rows", "stop token trained",
                                 "lost tokens", "train/validation overlap", "finishing time"}) {
            QVERIFY2(find_check(*sheet, name) != nullptr, name);
        }
    }

    void an_id_that_the_base_does_not_have_is_red() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kConfig).ok());  // 64 ids
        const auto plan_of = [&](const std::string& more) {
            return *make_plan(*place.recipe(more), {.cache_folder = place.folder() / "cache"});
        };
        PlanSheet sheet = plan_of({});
        QVERIFY(sheet.can_start());
        const PreflightCheck* check = find_check(sheet, "token ids");
        QVERIFY(check != nullptr);
        QCOMPARE(check->message, std::string("All token ids are among the base's 64 ids."));
        // One row with the first id that is not there, and one with such a label.
        QVERIFY(write_file(place.folder() / "train.jsonl",
                           token_rows(40) + "{\"input_ids\": [1, 63, 64, 2]}\n" + token_rows(1, 3))
                    .ok());
        QVERIFY(write_file(place.folder() / "held_out.jsonl",
                           "{\"input_ids\": [1, 2, 3], \"labels\": [-100, 2, 70000]}\n")
                    .ok());
        sheet = plan_of({});
        check = find_check(sheet, "token ids");
        QVERIFY(!sheet.can_start());
        QCOMPARE(check->level, CheckLevel::Red);
        QCOMPARE(check->count, int64_t{2});
        QCOMPARE(
            check->message,
            std::string("2 rows hold an id that is none of the base's 64 ids: train row 41 has "
                        "the token id 64."));
        QCOMPARE(check->offenders, (std::vector<std::string>{"train row 41: token id 64",
                                                             "held_out row 1: label id 70000"}));
        QVERIFY(check->hint.find("drop_rows") != std::string::npos);
        // The advice can be followed: what is left out blocks nothing, nor does a larger base.
        Recipe recipe = *place.recipe();
        recipe.data[0].drop_rows = {41};
        recipe.data.pop_back();
        const auto without = make_plan(recipe, {.cache_folder = place.folder() / "cache"});
        QCOMPARE(find_check(*without, "token ids")->level, CheckLevel::Green);
        std::string padded = kConfig;
        padded.replace(padded.find("64"), 2, "70001");
        QVERIFY(write_file(place.folder() / "base/config.json", padded).ok());
        QCOMPARE(find_check(plan_of({}), "token ids")->level, CheckLevel::Green);
    }

    // Read at the start, at the pre-flight, or under it: the sheet comes, and says what happened.
    void a_damaged_cache_is_built_anew_and_told() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kConfig).ok());
        const auto plan = [&] {
            return *make_plan(*place.recipe(), {.cache_folder = place.folder() / "cache"});
        };
        const PlanSheet first = plan();
        QVERIFY(find_check(first, "token caches") == nullptr);
        QVERIFY(flip_all_tokens(place.folder() / "cache") > 300);
        const PlanSheet second = plan();
        const PreflightCheck* check = find_check(second, "token caches");
        QVERIFY(check != nullptr && check->level == CheckLevel::Amber && second.can_start());
        QVERIFY(check->count >= 1 && check->offenders.size() >= 1);
        QVERIFY2(check->offenders[0].find("was damaged. It was built anew.") != std::string::npos,
                 check->offenders[0].c_str());
        QCOMPARE(second.checks.size(), first.checks.size() + 1);
    }

    void time_is_unknown_until_measured() {
        const TempProject place;
        const auto sheet = make_plan(*place.recipe(), {.cache_folder = place.folder() / "cache"});
        QVERIFY(sheet.ok());
        QVERIFY(!sheet->time->total_s);
        QVERIFY(sheet->time->basis.find("unknown until measured") != std::string::npos);
        QVERIFY(!sheet->memory);  // there is no base
        QCOMPARE(sheet->missing.size(), size_t{1});
    }

    void too_little_memory_is_amber_and_never_red() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kConfig).ok());
        const auto sheet = make_plan(*place.recipe(), {.device_memory_bytes = 1000});
        const PreflightCheck* check = find_check(*sheet, "memory");
        QVERIFY(check != nullptr && check->level == CheckLevel::Amber && !check->hint.empty());
        QVERIFY(sheet->can_start());
        // The leanest plan is all that can be done about it.
        for (const Keep keep : sheet->memory->plan) QVERIFY(keep == Keep::Offload);
    }

    void too_little_time_is_amber() {
        const TempProject place;
        const auto sheet =
            make_plan(*place.recipe("batch: {epochs: 1000}\nbudget: {max_hours: 1}\n"),
                      {.cache_folder = place.folder() / "cache", .tokens_per_second = 1.0});
        const PreflightCheck* check = find_check(*sheet, "finishing time");
        QVERIFY(check != nullptr && check->level == CheckLevel::Amber);
    }

    void epochs_that_pack_differently_are_counted_one_by_one() {
        Recipe recipe;
        recipe.batch.epochs = 4;
        const WorkAmount work{
            .micro_batches_in_epoch = [](int64_t epoch) { return 200 + (epoch == 2 ? 1 : 0); },
            .tokens_per_epoch = 1000,
            .eval_tokens = 10};
        const TimePlan plan = plan_time(recipe, work, std::nullopt, "");
        QCOMPARE(plan.total_steps, int64_t{801});
        QCOMPARE(plan.eval_count, int64_t{4});
        QCOMPARE(plan.train_tokens, int64_t{4000});
        recipe.batch.max_steps = 300;
        QCOMPARE(plan_time(recipe, work, std::nullopt, "").train_tokens, int64_t{1500});
    }

    void target_that_matches_nothing_is_red() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "base/config.json", kConfig).ok());
        const auto sheet =
            make_plan(*place.recipe("adapter: {target_modules: [no_such_proj]}\n"), {});
        QVERIFY(find_check(*sheet, "target modules") != nullptr);
        QVERIFY(!sheet->can_start());
    }

    void rows_that_train_nothing_are_red() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "train.jsonl",
                           "{\"input_ids\":[1,2,3],\"labels\":[-100,-100,-100]}\n")
                    .ok());
        const auto sheet = make_plan(*place.recipe(), {.cache_folder = place.folder() / "cache"});
        QVERIFY(sheet.ok());
        QVERIFY(!sheet->can_start());
    }

    void only_rows_that_nobody_asked_to_leave_out_are_amber() {
        const TempProject place;
        const std::string rows = token_rows(6, 1);
        const auto check_of = [&](const std::string& more) {
            const auto sheet =
                make_plan(*place.recipe(more), {.cache_folder = place.folder() / "cache"});
            const PreflightCheck* check = find_check(*sheet, "rows left out");
            return check != nullptr ? *check : PreflightCheck{};
        };
        QVERIFY(write_file(place.folder() / "train.jsonl", rows + rows).ok());
        const PreflightCheck asked = check_of("mix: {dedupe: all}\n");
        QCOMPARE(asked.message, std::string("6 of 20 rows are left out, 6 as the recipe asks."));
        QVERIFY(asked.level == CheckLevel::Green);
        std::string long_row = "{\"input_ids\":[1";
        for (int i = 0; i < 5000; ++i) long_row += ",2";
        QVERIFY(write_file(place.folder() / "train.jsonl", rows + rows + long_row + "]}\n").ok());
        const PreflightCheck found = check_of("mix: {dedupe: all}\n");
        QCOMPARE(found.message, std::string("7 of 21 rows are left out, 6 as the recipe asks."));
        QVERIFY(found.level == CheckLevel::Amber && !found.hint.empty());
    }

    void rows_without_a_trained_token_are_named() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "train.jsonl",
                           token_rows(3, 1) + "{\"input_ids\":[1,2,3],\"labels\":[1,-100,-100]}\n")
                    .ok());
        const auto sheet = make_plan(*place.recipe(), {.cache_folder = place.folder() / "cache"});
        const PreflightCheck* check = find_check(*sheet, "training rows");
        QVERIFY(check != nullptr && check->level == CheckLevel::Amber);
        QCOMPARE(check->count, int64_t{1});
        QVERIFY(check->message.ends_with(" 1 of the rows trains nothing."));
        QCOMPARE(check->offenders.at(0),
                 std::string("train: 1 row without a trained token (row 4)"));
        QVERIFY(sheet->can_start());
    }

    void exact_match_without_test_rows_is_told() {
        const TempProject place;
        const auto check_of = [&](const std::string& more) {
            const auto sheet =
                make_plan(*place.recipe(more), {.cache_folder = place.folder() / "cache"});
            const PreflightCheck* check = find_check(*sheet, "exact match");
            return check != nullptr ? *check : PreflightCheck{};
        };
        const PreflightCheck unmeasured = check_of("eval: {exact_match_rows: 5}\n");
        QVERIFY(unmeasured.level == CheckLevel::Amber && !unmeasured.hint.empty());
        QVERIFY(check_of("").name.empty());
    }

    // Settings that the adapter's own take the place of are named, so that none is ignored.
    void an_adapter_to_start_from_is_compared_with_the_recipe() {
        const TempProject place;
        AdapterConfig config;
        config.rank = 4;
        config.alpha = 8;
        config.target_modules = std::vector<std::string>{"v_proj", "q_proj"};
        std::filesystem::create_directories(place.folder() / "start");
        QVERIFY(write_adapter_config(config, place.folder() / "start").ok());
        const auto check_of = [&](const std::string& settings) {
            const auto recipe = place.recipe("adapter: {init_from: start, " + settings + "}\n");
            const auto check = check_start_adapter(*recipe);
            return check.value_or(PreflightCheck{});
        };
        const PreflightCheck same =
            check_of("lora_rank: 4, lora_alpha: 8, target_modules: [q_proj, v_proj]");
        QVERIFY2(same.level == CheckLevel::Green, same.message.c_str());
        QVERIFY(!same.message.empty());
        QVERIFY(check_of("lora_rank: 4, lora_alpha: 8").level == CheckLevel::Green);
        const PreflightCheck other = check_of("lora_rank: 64, lora_alpha: 8, method: dora");
        QVERIFY(other.level == CheckLevel::Amber);
        QCOMPARE(other.count, int64_t{2});
        QVERIFY2(
            other.message.find("adapter.method lora (not dora), adapter.lora_rank 4 (not 64)") !=
                std::string::npos,
            other.message.c_str());
        QVERIFY(!check_start_adapter(*place.recipe()));
    }

    void absent_data_is_listed_as_missing() {
        const TempProject place;
        std::filesystem::remove(place.folder() / "train.jsonl");
        const auto sheet = make_plan(*place.recipe(), {.cache_folder = place.folder() / "cache"});
        QVERIFY(sheet.ok());
        const auto& missing = sheet->missing;
        QVERIFY(std::any_of(missing.begin(), missing.end(), [](const std::string& line) {
            return line.find("train.jsonl") != std::string::npos;
        }));
    }
};

DAYRUN_TEST(TestPlan)
#include "test_plan.moc"
