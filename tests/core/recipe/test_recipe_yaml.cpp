// Reading recipes: what is accepted, what is refused and how the refusal reads, the way back.
#include <QTest>

#include "core/base/atomic_file.h"
#include "core/recipe/recipe_schema.h"
#include "core/recipe/recipe_yaml.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

// The smallest recipe that stands; `more` is appended.
Result<Recipe> read(const std::string& more, const RecipeOverrides& set = {}) {
    return parse_recipe(
        "dayrun: 1\nbase: {path: model}\ndata:\n- {name: a, path: a.jsonl}\n" + more, "r.yaml",
        "/project/recipes", set);
}

std::string refusal(const std::string& more) {
    const auto recipe = read(more);
    return recipe.ok() ? "accepted" : recipe.error().text();
}

// Every key of contracts.md section 1 that this version can do, with values unlike the defaults.
Result<Recipe> read_full() {
    TRY(text, read_file(DAYRUN_SOURCE_DIR "/tests/core/recipe/fixtures/full.yaml"));
    return parse_recipe(text, "full.yaml", "/p/recipes");
}

}  // namespace

class TestRecipeYaml : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void reads_every_key() {
        const auto recipe = read_full();
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
        const auto first = read_full();
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
        QTest::newRow("unknown key")
            << "adapter:\n  lora_rnk: 8\n"
            << "r.yaml:6:3: There is no key 'lora_rnk' in 'adapter'. Did you mean 'lora_rank'?";
        QTest::newRow("part of a key")
            << "adapter: {rank: 8}\n"
            << "r.yaml:5:11: There is no key 'rank' in 'adapter'. Did you mean 'lora_rank'?";
        QTest::newRow("unknown section")
            << "optimiser: {}\n"
            << "r.yaml:5:1: There is no key 'optimiser' in the recipe. Did you mean 'optimizer'?";
        QTest::newRow("wrong type")
            << "adapter: {lora_rank: eight}\n"
            << "r.yaml:5:22: adapter.lora_rank is eight, but must be a whole number.";
        QTest::newRow("quoted number")
            << "adapter: {lora_rank: \"8\"}\n"
            << "r.yaml:5:22: adapter.lora_rank is 8, but must be a whole number.";
        QTest::newRow("out of range")
            << "adapter: {lora_rank: 0}\n"
            << "r.yaml:5:22: adapter.lora_rank is 0, but must be between 1 and 4096.";
        QTest::newRow("far out of range")
            << "seed: -1\n"
            << "r.yaml:5:7: seed is -1, but must be between 0 and 9000000000000000.";
        QTest::newRow("small range") << "batch: {epochs: 0}\n"
                                     << "r.yaml:5:17: batch.epochs is 0, but must be between "
                                        "0.0001 and 10000.";
        QTest::newRow("at least one") << "batch: {max_steps: 0}\n"
                                      << "r.yaml:5:20: batch.max_steps is 0, but must be at least "
                                         "1 step.";
        QTest::newRow("no NF4 block")
            << "quantization: {base: nf4, block_size: 100}\n"
            << "r.yaml: quantization.block_size is 100, which NF4 does not have. Use 32, 64, 128, "
               "256, 512, 1024, 2048 or 4096.";
        QTest::newRow("full over NF4")
            << "quantization: {base: nf4}\nadapter: {method: full}\n"
            << "r.yaml: quantization.base is nf4, but adapter.method is full, and weights in NF4 "
               "are frozen. Set adapter.method to lora, or quantization.base to none.";
        QTest::newRow("full with dropout")
            << "adapter: {method: full, lora_dropout: 0.1}\n"
            << "r.yaml: adapter.lora_dropout is set, but adapter.method full has no adapter to "
               "drop "
               "inputs of. Set adapter.lora_dropout to 0, or adapter.method to lora.";
        QTest::newRow("bad word") << "schedule: {kind: cosinus}\n"
                                  << "r.yaml:5:18: schedule.kind is cosinus, but must be one of "
                                     "cosine, linear, constant.";
        QTest::newRow("no amount of bytes")
            << "budget: {max_device_bytes: lots}\n"
            << "r.yaml:5:28: budget.max_device_bytes 'lots' is not an amount of bytes. Write a "
               "number and a unit, for example 23.0GiB or 800MB.";
        QTest::newRow("not a number")
            << "optimizer: {learning_rate: .nan}\n"
            << "r.yaml:5:28: optimizer.learning_rate is .nan, but must be a number.";
        QTest::newRow("twice") << "seed: 1\nseed: 2\n"
                               << "r.yaml:6:1: 'seed' is given twice. Keep one of the two.";
        QTest::newRow("scalar section") << "adapter: lora\n"
                                        << "r.yaml:5:10: adapter must be a map of settings. Write "
                                           "one 'key: value' a line below it.";
        QTest::newRow("share above one") << "split: {validation: 1.5}\n"
                                         << "r.yaml:5:21: split.validation is 1.5, but a share "
                                            "must be at most 1.0. Write a whole "
                                            "number for rows, a number with a point for a share.";
        QTest::newRow("newer format")
            << "x: 1\n"
            << "r.yaml:5:1: There is no key 'x' in the recipe. Known "
               "here: dayrun, name, seed, base, "
               "quantization, adapter, sources, data, mix, overlap, split, prompt, tokens, "
               "batch, optimizer, schedule, "
               "eval, checkpoint, budget, export.";
        QTest::newRow("random with lora")
            << "adapter: {method: lora}\nbase: {}\n"
            << "r.yaml:6:1: 'base' is given twice. Keep one of the two.";
        QTest::newRow("not yaml") << "a: [1, 2\n"
                                  << "r.yaml:6:1: This is not YAML: end of sequence flow not "
                                     "found. Check indentation, quotes "
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
        QVERIFY(refusal("- {name: a, path: b}\n").find("Two sources are called 'a'") !=
                std::string::npos);
        QVERIFY(refusal("- {name: b, path: b, weight: 1}\n")
                    .find("1 of 2 training sources have a weight") != std::string::npos);
        QVERIFY(
            refusal("tokens: {max_seq_len: 8, sample_limit: 9}\n").find("must fit into one row") !=
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
