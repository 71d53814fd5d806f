// Reading recipes: what is accepted, what is refused and how the refusal reads, the way back.
#include <QTest>

#include "core/recipe/recipe_schema.h"
#include "core/recipe/recipe_yaml.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

// The smallest recipe that stands; `more` is appended.
Result<Recipe> read(const std::string& more, const RecipeOverrides& set = {}) {
    return parse_recipe("dayrun: 1\nbase: {path: model}\ndata:\n- {name: a, path: a.jsonl}\n" + more,
                        "r.yaml", "/project/recipes", set);
}

std::string refusal(const std::string& more) {
    const auto recipe = read(more);
    return recipe.ok() ? "accepted" : recipe.error().text();
}

// Every key of contracts.md section 1 that this version can do, with values unlike the defaults.
constexpr const char* kFull = R"(dayrun: 1
name: everything
seed: 7
base: {path: ../models/base, dtype: bfloat16}
quantization: {base: none, double: false, block_size: 128, compute_dtype: bfloat16}
adapter:
  method: rslora
  lora_rank: 128
  lora_alpha: 256
  lora_dropout: 0.05
  target_modules: [q_proj, v_proj]
  dtype: float32
  init_from: ../adapters/one
  neftune_alpha: 5
  neftune_length: row
data:
  - name: gsm8k
    path: ../data/gsm8k/train.jsonl
    converter: gsm8k
    columns: {instruction: question, response: answer}
    split: train
    use: train
    filter: {min_input_words: 5, max_words: 800, where: "source == 'data/CoT/gsm_train.json'"}
    lowercase: 0.1
    take: {rows: 5000}
    copies: 2
    weight: 0.5
    too_long: keep_head
  - {name: held, path: held.jsonl, use: validation}
mix: {by: trained_tokens, rows: 100, fraction: 0.67, max_repeats: 2, shuffle: false, dedupe: input, near_threshold: 0.7}
split: {validation: 0.1, test: 2000, group_by: instruction}
prompt: {template: "Q: {question}\nA: ", system: "Be \"brief\".", train_on: last_response}
tokens: {max_seq_len: 8192, sample_limit: 4096, max_prompt_tokens: , max_response_tokens: 100, packing: false, too_long: keep_tail, bos: never}
batch: {micro_batch_size: 2, gradient_accumulation_steps: 4, epochs: 1.5, max_steps: , loss_mean: micro_batches}
optimizer: {name: adamw, learning_rate: 2.0e-5, weight_decay: 0.01, beta1: 0.8, beta2: 0.99, eps: 1.0e-6, max_grad_norm: 0.3}
schedule: {kind: linear, warmup_steps: 100, min_lr_ratio: 0.1}
eval: {every: [epoch, {steps: 64}, {minutes: 2.5}], rows: 2000, keep: last, prompts: ["Write a haiku, about: rain."]}
checkpoint: {every_minutes: 5, keep: 1}
budget: {max_hours: 12, max_device_bytes: 23.0GiB, max_disk_bytes: }
export: {formats: [peft, merged]}
)";

}  // namespace

class TestRecipeYaml : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void reads_every_key() {
        const auto recipe = parse_recipe(kFull, "full.yaml", "/p/recipes");
        QVERIFY2(recipe.ok(), recipe.ok() ? "" : recipe.error().text().c_str());
        QCOMPARE(recipe->adapter.lora_rank, 128);
        QVERIFY(recipe->adapter.method == AdapterMethod::RsLora);
        QCOMPARE(recipe->data.size(), size_t{2});
        QCOMPARE(recipe->data[0].columns[0].second, std::string("question"));
        QVERIFY(recipe->data[0].too_long == TooLong::KeepHead);
        QCOMPARE(*recipe->split.validation.fraction, 0.1);
        QCOMPARE(*recipe->split.test.rows, int64_t{2000});
        QCOMPARE(recipe->eval.every.size(), size_t{3});
        QCOMPARE(*recipe->budget.max_device_bytes, int64_t{24696061952});
        QCOMPARE(recipe->prompt.prompt_template, std::string("Q: {question}\nA: "));
        QVERIFY(!recipe->batch.max_steps);
        QCOMPARE(recipe->resolved(recipe->base.path), std::filesystem::path("/p/models/base"));
    }

    void written_recipe_reads_back_equal() {
        const auto first = parse_recipe(kFull, "full.yaml", "/p/recipes");
        QVERIFY(first.ok());
        for (const Keys keys : {Keys::All, Keys::OnlyChanged}) {
            const std::string text = write_recipe(*first, keys);
            const auto second = parse_recipe(text, "again.yaml", "/p/recipes");
            QVERIFY2(second.ok(), second.ok() ? "" : (second.error().text() + "\n" + text).c_str());
            const std::vector<Recipe> both{*first, *second};
            const auto differences = recipe_diff(both);
            QVERIFY2(differences.empty(), differences.empty() ? "" : differences[0].key.c_str());
        }
    }

    void refusals_say_what_where_and_what_to_do_data() {
        QTest::addColumn<QString>("yaml");
        QTest::addColumn<QString>("text");
        QTest::newRow("unknown key") << "adapter:\n  lora_rnk: 8\n"
            << "r.yaml:6:3: There is no key 'lora_rnk' in 'adapter'. Did you mean 'lora_rank'?";
        QTest::newRow("part of a key") << "adapter: {rank: 8}\n"
            << "r.yaml:5:11: There is no key 'rank' in 'adapter'. Did you mean 'lora_rank'?";
        QTest::newRow("unknown section") << "optimiser: {}\n"
            << "r.yaml:5:1: There is no key 'optimiser' in the recipe. Did you mean 'optimizer'?";
        QTest::newRow("wrong type") << "adapter: {lora_rank: eight}\n"
            << "r.yaml:5:22: adapter.lora_rank is eight, but must be a whole number.";
        QTest::newRow("quoted number") << "adapter: {lora_rank: \"8\"}\n"
            << "r.yaml:5:22: adapter.lora_rank is 8, but must be a whole number.";
        QTest::newRow("out of range") << "adapter: {lora_rank: 0}\n"
            << "r.yaml:5:22: adapter.lora_rank is 0, but must be between 1 and 4096.";
        QTest::newRow("bad word") << "schedule: {kind: cosinus}\n"
            << "r.yaml:5:18: schedule.kind is cosinus, but must be one of cosine, linear, constant.";
        QTest::newRow("not a number") << "optimizer: {learning_rate: .nan}\n"
            << "r.yaml:5:28: optimizer.learning_rate is .nan, but must be a number.";
        QTest::newRow("twice") << "seed: 1\nseed: 2\n"
            << "r.yaml:6:1: 'seed' is given twice. Keep one of the two.";
        QTest::newRow("scalar section") << "adapter: lora\n"
            << "r.yaml:5:10: adapter must be a map of settings. Write one 'key: value' a line below it.";
        QTest::newRow("share above one") << "split: {validation: 1.5}\n"
            << "r.yaml:5:21: split.validation is 1.5, but a share must be at most 1.0. Write a whole "
               "number for rows, a number with a point for a share.";
        QTest::newRow("newer format") << "x: 1\n"
            << "r.yaml:5:1: There is no key 'x' in the recipe. Known here: dayrun, name, seed, base, "
               "quantization, adapter, data, mix, split, prompt, tokens, batch, optimizer, schedule, "
               "eval, checkpoint, budget, export.";
        QTest::newRow("random with lora") << "adapter: {method: lora}\nbase: {}\n"
            << "r.yaml:6:1: 'base' is given twice. Keep one of the two.";
        QTest::newRow("not yaml") << "a: [1, 2\n"
            << "r.yaml:6:1: This is not YAML: end of sequence flow not found. Check indentation, quotes "
               "and colons there.";
    }

    void refusals_say_what_where_and_what_to_do() {
        QFETCH(QString, yaml);
        QFETCH(QString, text);
        QCOMPARE(QString::fromStdString(refusal(yaml.toStdString())), text);
    }

    void what_does_not_exist_yet_is_refused_with_the_reason() {
        const auto recipe = read("budget: {finish_by: \"07:30\"}\n");
        QVERIFY(!recipe.ok());
        QVERIFY(recipe.error().code == ErrorCode::Unsupported);
        QVERIFY(recipe.error().message.find("budget.max_hours") != std::string::npos);
    }

    void combinations_are_checked() {
        QVERIFY(refusal("- {name: a, path: b}\n").find("Two sources are called 'a'") != std::string::npos);
        QVERIFY(refusal("- {name: b, path: b, weight: 1}\n").find("1 of 2 training sources have a weight") !=
                std::string::npos);
        QVERIFY(refusal("tokens: {max_seq_len: 8, sample_limit: 9}\n").find("must fit into one row") !=
                std::string::npos);
    }

    void overrides_of_a_queue_are_checked_like_the_file() {
        const auto recipe = read("", {{"adapter.lora_rank", "64"}, {"data[0].copies", "3"}});
        QVERIFY(recipe.ok());
        QCOMPARE(recipe->adapter.lora_rank, 64);
        QCOMPARE(recipe->data[0].copies, int64_t{3});
        QVERIFY(!read("", {{"adapter.lora_rank", "0"}}).ok());
        QVERIFY(!read("", {{"data[1].copies", "3"}}).ok());
        QVERIFY(!read("", {{"no.such", "3"}}).ok());
    }

    void empty_and_huge_files_are_refused() {
        QVERIFY(!parse_recipe("", "r.yaml", "/").ok());
        QVERIFY(!parse_recipe("# only a comment\n", "r.yaml", "/").ok());
        QVERIFY(!parse_recipe("- a\n- b\n", "r.yaml", "/").ok());
        QVERIFY(!parse_recipe(std::string(2 << 20, 'a'), "r.yaml", "/").ok());
        QVERIFY(!read_recipe("/no/such/recipe.yaml").ok());
    }
};

DAYRUN_TEST(TestRecipeYaml)
#include "test_recipe_yaml.moc"
