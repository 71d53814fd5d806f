// The promises about data that compiling keeps (row numbers are those of the list of promises):
// no silent cut, two limits, borders, caches, the mix as a view, duplicates and overlap.
#include <QTest>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/compile/cache/cache_folder.h"
#include "core/compile/cache/data_compiler.h"
#include "core/compile/cache/data_report.h"
#include "core/compile/cache/token_cache.h"
#include "core/plan/data_checks.h"
#include "tests/core/compile/row_folder.h"
#include "tests/core/tokens/byte_tokenizer.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using dayrun::tests::ByteTokenizer;
using dayrun::tests::RowFolder;
namespace fs = std::filesystem;

namespace {

const ByteTokenizer kTokenizer;

std::string row(const std::string& question, const std::string& answer) {
    return nlohmann::json{{"question", question}, {"answer", answer}}.dump() + "\n";
}

/// Rows without a common word but the first.
std::string rows(int begin, int end) {
    std::string text;
    for (int i = begin; i < end; ++i) {
        std::string question = "About";
        for (int k = 0; k < 20; ++k) question += " w" + std::to_string(i * 100 + k);
        text += row(question, "a" + std::to_string(i));
    }
    return text;
}

const PreflightCheck& check_named(const std::vector<PreflightCheck>& checks,
                                  const std::string& name) {
    for (const PreflightCheck& check : checks) {
        if (check.name == name) return check;
    }
    static const PreflightCheck s_none;
    return s_none;
}

}  // namespace

class TestCompile : public QObject, RowFolder {
    Q_OBJECT

    std::shared_ptr<const CompiledData> compiled(const Recipe& recipe,
                                                 const std::string& cache = "cache") {
        auto data = compile_data(recipe, &kTokenizer, folder() / cache);
        if (data.ok()) return *data;
        qWarning("%s", data.error().text().c_str());
        return nullptr;
    }

  private Q_SLOTS:
    void row_1_a_cut_is_counted_and_blocks_the_run_until_it_is_accepted() {
        Recipe recipe = recipe_of({write(rows(0, 50) + row("Long?", std::string(600, 'x')))});
        recipe.tokens.sample_limit = 400;
        recipe.tokens.too_long = TooLong::KeepHead;
        auto data = compiled(recipe);
        QVERIFY(data != nullptr);
        QCOMPARE(data->sources[0].truncated_rows, int64_t{1});
        QVERIFY(data->sources[0].truncated_target_tokens > 200);
        const std::string name = "lost tokens";
        auto checks = *check_data(recipe, *data, &kTokenizer);
        const PreflightCheck& lost = check_named(checks, name);
        QCOMPARE(lost.level, CheckLevel::Red);
        QVERIFY2(lost.message.find("1 sample is cut") != std::string::npos, lost.message.c_str());
        QVERIFY2(lost.hint.find("tokens.max_lost: ") != std::string::npos, lost.hint.c_str());
        recipe.tokens.max_lost = 1;
        checks = *check_data(recipe, *data, &kTokenizer);
        QCOMPARE(check_named(checks, name).level, CheckLevel::Green);
        // Dropping is the other policy: counted, with the row.
        recipe.tokens.too_long = TooLong::Drop;
        data = compiled(recipe);
        QCOMPARE(data->sources[0].dropped.reasons.at("too long").count, int64_t{1});
        QCOMPARE(data->sources[0].dropped.reasons.at("too long").examples[0],
                 std::string("row 51"));
        QCOMPARE(data->sources[0].truncated_rows, int64_t{0});
    }

    void row_3_the_sample_limit_and_the_row_length_are_two_settings() {
        Recipe recipe = recipe_of({write(rows(0, 40))});
        recipe.tokens.sample_limit = 300;
        recipe.tokens.max_seq_len = 2000;
        const auto packed = compiled(recipe);
        recipe.tokens.max_seq_len = 4000;
        const auto longer = compiled(recipe);
        // Another row length packs the same samples and cuts nothing anew.
        QVERIFY(longer->sources[0].from_cache);
        QCOMPARE(longer->train_rows(), packed->train_rows());
        QVERIFY(longer->rows_in_epoch(0) < packed->rows_in_epoch(0));
        recipe.tokens.packing = false;
        QCOMPARE(compiled(recipe)->sources[0].truncated_rows, int64_t{0});
        recipe.tokens.sample_limit = 5000;
        const auto refused = compile_data(recipe, &kTokenizer, folder() / "cache");
        QVERIFY(!refused.ok());
        QVERIFY(refused.error().text().find("sample_limit") != std::string::npos);
    }

    // A tokenizer with more ids than its base: text of a special token that was added to it.
    void an_encoded_id_that_the_base_does_not_have_is_red() {
        QVERIFY(write_file(folder() / "base/config.json",
                           R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                               "vocab_size": 259, "hidden_size": 16, "intermediate_size": 32,
                               "num_hidden_layers": 2, "num_attention_heads": 2,
                               "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
                               "max_position_embeddings": 128, "hidden_act": "silu"})")
                    .ok());
        Recipe recipe = recipe_of({write(rows(0, 20))});
        recipe.base.path = "base";
        recipe.eval.prompts = {"Fine"};
        const auto check_with = [&](const ByteTokenizer& tokenizer, const char* cache) {
            const auto data = compile_data(recipe, &tokenizer, folder() / cache);
            return check_named(*check_data(recipe, **data, &tokenizer), "token ids");
        };
        QCOMPARE(check_with(kTokenizer, "fits").level, CheckLevel::Green);
        // BOS and stop token are the id 300.
        recipe.split.validation.rows = 5;
        const PreflightCheck check =
            check_with(ByteTokenizer({"<|end|>"}, "<|end|>", "<|end|>"), "beyond");
        QCOMPARE(check.level, CheckLevel::Red);
        QCOMPARE(check.count, int64_t{21});
        QCOMPARE(
            check.message,
            std::string("20 rows and 1 prompt hold an id that is none of the base's 259 ids: s0 "
                        "row 1 has the token id 300."));
        QCOMPARE(check.offenders.size(), size_t{10});
    }

    void row_7_packed_documents_keep_their_borders_and_positions() {
        Recipe recipe = recipe_of({write(rows(0, 30))});
        recipe.tokens.max_seq_len = 1000;
        recipe.batch.micro_batch_size = 2;
        recipe.split.validation.rows = 8;
        const auto data = compiled(recipe);
        const auto batches = *data->validation_batches();
        QVERIFY(!batches.empty());
        size_t documents = 0;
        for (const PackedBatch& batch : batches) {
            QCOMPARE(batch.cu_seqlens.size(), batch.documents.size() + 1);
            for (size_t i = 0; i < batch.documents.size(); ++i) {
                const auto begin = static_cast<size_t>(batch.cu_seqlens[i]);
                const auto end = static_cast<size_t>(batch.cu_seqlens[i + 1]);
                for (size_t at = begin; at < end; ++at) {
                    QCOMPARE(batch.position_ids[at], static_cast<int32_t>(at - begin));
                }
                QCOMPARE(batch.targets[end - 1], kIgnoreLabel);
                ++documents;
            }
        }
        QCOMPARE(documents, size_t{8});
    }

    void row_8_a_cache_is_keyed_by_content_and_policy_and_shared() {
        Recipe recipe = recipe_of({write(rows(0, 60)), write(rows(60, 90))});
        const auto first = compiled(recipe, "shared_cache");
        QVERIFY(!first->sources[0].from_cache);
        // Another run with the same data: nothing is tokenized again.
        QVERIFY(compiled(recipe, "shared_cache")->sources[0].from_cache);
        // A crash after the first source costs the second alone.
        fs::remove(first->sources[1].cache_file);
        const auto resumed = compiled(recipe, "shared_cache");
        QVERIFY(resumed->sources[0].from_cache);
        QVERIFY(!resumed->sources[1].from_cache);
        // Every part of the key alone makes another cache.
        recipe.prompt.prompt_template = "Q: {question} A: ";
        QVERIFY(!compiled(recipe, "shared_cache")->sources[0].from_cache);
        recipe.tokens.sample_limit = 500;
        QVERIFY(!compiled(recipe, "shared_cache")->sources[0].from_cache);
        std::ofstream(folder() / recipe.data[0].path, std::ios::app) << rows(95, 96);
        const auto changed = compiled(recipe, "shared_cache");
        QVERIFY(!changed->sources[0].from_cache);
        QVERIFY(changed->sources[1].from_cache);
        QVERIFY(changed->data_sha256 != first->data_sha256);
    }

    void row_8_a_half_written_cache_is_built_anew_at_any_length() {
        Recipe recipe = recipe_of({write(rows(0, 40))});
        const auto data = compiled(recipe);
        const std::string file = data->sources[0].cache_file;
        const auto whole = *read_file(file);
        for (const size_t length : {size_t{0}, size_t{7}, whole.size() / 3, whole.size() / 2,
                                    whole.size() - 9, whole.size() - 1}) {
            QVERIFY(write_file(file, std::string_view(whole).substr(0, length)).ok());
            const auto again = compiled(recipe);
            QVERIFY(again != nullptr && !again->sources[0].from_cache);
            QVERIFY(*read_file(file) == whole);
        }
        // What a killed writer leaves beside it goes with the next one. No process has this number.
        const std::string leftover = file + ".tmp-4194305";
        QVERIFY(write_file(leftover, "half").ok());
        fs::remove(file);
        QVERIFY(compiled(recipe) != nullptr);
        QVERIFY(!fs::exists(leftover));
    }

    void row_9_a_changed_mix_reads_nothing_and_is_answered_from_figures() {
        Recipe recipe = recipe_of({write(rows(0, 200)), write(rows(200, 240))});
        const auto data = compiled(recipe);
        recipe.data[0].weight = 0.5;
        recipe.data[1].weight = 0.5;
        recipe.mix.rows = 100;
        recipe.mix.max_repeats = 2;
        const auto sources = data->mix_sources(recipe);
        const auto plan = plan_mix(sources, recipe.mix);
        QVERIFY(plan.ok());
        const auto figures = mix_figures(sources, *plan, recipe.mix, recipe.batch.epochs);
        const auto mixed = compiled(recipe);
        QVERIFY(mixed->sources[0].from_cache && mixed->sources[1].from_cache);
        for (size_t i = 0; i < 2; ++i) {
            QCOMPARE(figures[i].rows_per_epoch, mixed->sources[i].rows_per_epoch);
            QCOMPARE(figures[i].share, mixed->sources[i].share);
            QCOMPARE(figures[i].effective_epochs, mixed->sources[i].effective_epochs);
            QCOMPARE(figures[i].effective_unique_rows, mixed->sources[i].effective_unique_rows);
        }
        QCOMPARE(figures[1].rows_per_epoch, int64_t{50});
        QCOMPARE(figures[1].effective_unique_rows, int64_t{40});
    }

    void two_compiles_give_the_same_bytes() {
        Recipe recipe = recipe_of({write(rows(0, 300) + rows(10, 20)), write(rows(290, 330))});
        recipe.mix.dedupe = DedupeMode::Near;
        recipe.split.validation.fraction = 0.1;
        recipe.data[0].take.rows = 150;
        recipe.data[0].lowercase = 0.5;
        const auto first = compiled(recipe, "one");
        const auto second = compiled(recipe, "two");
        QCOMPARE(second->manifest_json(), first->manifest_json());
        for (size_t i = 0; i < 2; ++i) {
            QVERIFY(!second->sources[i].from_cache);
            const auto a = read_file(first->sources[i].cache_file);
            const auto b = read_file(second->sources[i].cache_file);
            QVERIFY(a.ok() && b.ok() && *a == *b);
        }
        QCOMPARE(*data_report_json(*second, &kTokenizer), *data_report_json(*first, &kTokenizer));
        // The manifest names files, seeds, rows and the hash of their contents.
        const auto manifest = nlohmann::json::parse(first->manifest_json());
        const auto& source = manifest["sources"][0];
        QCOMPARE(manifest["seed"].get<uint64_t>(), recipe.seed);
        QCOMPARE(source["files"][0]["name"].get<std::string>(), recipe.data[0].path);
        QCOMPARE(source["files"][0]["sha256"].get<std::string>().size(), size_t{64});
        QCOMPARE(source["train"]["samples"].get<int>(), 150);
        recipe.seed = 43;
        QVERIFY(compiled(recipe, "one")->manifest_json() != first->manifest_json());
    }

    void near_duplicates_fold_into_the_row_that_stays() {
        const std::string text =
            "Tell me which of these seven old rivers is the longest one and "
            "through which of the countries of the south it flows to the sea";
        Recipe recipe = recipe_of(
            {write(row(text + ".", "The Nile") + rows(0, 30)),
             write(rows(40, 50) + row(text + "!!", "the nile!") + row("Another", "one"))});
        recipe.mix.dedupe = DedupeMode::Near;
        recipe.mix.near_threshold = 0.8;
        const auto data = compiled(recipe);
        QCOMPARE(data->duplicates.size(), size_t{1});
        QCOMPARE(data->place_of(data->duplicates[0].row), std::string("s1 row 11"));
        QCOMPARE(data->place_of(data->duplicates[0].kept), std::string("s0 row 1"));
        QCOMPARE(data->duplicates[0].similarity, 1.0f);
        const auto& dropped = data->sources[1].dropped.reasons.at("near duplicate");
        QCOMPARE(dropped.count, int64_t{1});
        QCOMPARE(dropped.examples[0], std::string("row 11 ~ 1.00 s0 row 1"));
        const auto report = nlohmann::json::parse(*data_report_json(*data, &kTokenizer));
        QCOMPARE(report["duplicates"][0]["kept"].get<std::string>(), std::string("s0 row 1"));
        recipe.mix.dedupe = DedupeMode::All;
        QCOMPARE(compiled(recipe)->duplicates.size(), size_t{0});
    }

    // promises.md row 36: the split is made by group after dedupe; overlap with validation rows and
    // with the user's benchmark files is reported, and can be removed.
    void row_36_overlap_is_told_with_its_text_and_can_be_removed() {
        const std::string known =
            "A train leaves the old station at nine and meets another train at noon near the "
            "bridge";
        const std::string benchmark = write(
            "id,problem\n1,\"" + known + ", how far is it?\"\n2,Something else entirely\n", ".csv");
        Recipe recipe = recipe_of(
            {write(rows(0, 50) + row("Say: " + known + ". Why?", "b")), write(rows(48, 52))});
        recipe.data[0].use = SourceUse::Train;
        recipe.data[1].use = SourceUse::Validation;
        recipe.overlap.files = {benchmark};
        auto data = compiled(recipe);
        QVERIFY(data != nullptr);
        QCOMPARE(data->overlap.exact, int64_t{2});
        QCOMPARE(data->overlap.sets.size(), size_t{2});
        QCOMPARE(data->overlap.sets[1].name, benchmark);
        QCOMPARE(data->overlap.sets[1].rows, int64_t{2});
        QCOMPARE(data->overlap.sets[1].ngram_rows, int64_t{1});
        QCOMPARE(data->overlap.sets[1].ngram_by_source[0], int64_t{1});
        QCOMPARE(data->overlap.training_rows(), int64_t{3});
        const OverlapHit& hit = data->overlap.hits.back();
        QCOMPARE(data->place_of(hit.train), std::string("s0 row 51"));
        QCOMPARE(hit.other, benchmark + ":2");
        QCOMPARE(hit.file_row, int64_t{0});
        QCOMPARE(data->overlap.sets[hit.set].path, benchmark);
        QCOMPARE(data->place_of(data->overlap.hits[0].held_out), data->overlap.hits[0].other);
        QCOMPARE(*data->shared_text(hit, &kTokenizer), known);
        const auto checks = *check_data(recipe, *data, &kTokenizer);
        const PreflightCheck& check = check_named(checks, "train/validation overlap");
        QCOMPARE(check.level, CheckLevel::Amber);
        QCOMPARE(check.count, int64_t{3});
        recipe.overlap.remove = OverlapRemoval::Exact;
        data = compiled(recipe);
        QCOMPARE(data->train_rows(), int64_t{49});
        QCOMPARE(data->sources[0].dropped.reasons.at("overlaps with validation").count, int64_t{2});
        QCOMPARE(data->overlap.exact, int64_t{0});
        recipe.overlap.remove = OverlapRemoval::All;
        data = compiled(recipe);
        QCOMPARE(data->train_rows(), int64_t{48});
        QCOMPARE(data->overlap.training_rows(), int64_t{0});
        recipe.overlap.files = {"absent.jsonl"};
        const auto missing = compile_data(recipe, &kTokenizer, folder() / "cache");
        QVERIFY(!missing.ok() && missing.error().code == ErrorCode::FileMissing);
    }

    // A hit that a person looked at goes by its number, and no file is read again for it.
    void single_rows_are_left_out_by_number() {
        Recipe recipe = recipe_of({write(rows(0, 9) + row("Same", "one") + rows(20, 30)),
                                   write(row("Same", "two") + rows(30, 35))});
        recipe.mix.dedupe = DedupeMode::Input;
        auto data = compiled(recipe);
        QCOMPARE(data->train_rows(), int64_t{25});
        QCOMPARE(data->place_of(data->duplicates.at(0).kept), std::string("s0 row 10"));
        recipe.data[0].drop_rows = {2, 10, 99};
        data = compiled(recipe);
        // Without the row that stayed the other one of the group does.
        QCOMPARE(data->train_rows(), int64_t{24});
        QVERIFY(data->duplicates.empty());
        QVERIFY(data->sources[0].from_cache);
        const auto& dropped = data->sources[0].dropped.reasons.at("left out by number");
        QCOMPARE(dropped.count, int64_t{2});
        QCOMPARE(dropped.examples, (std::vector<std::string>{"row 2", "row 10"}));
        QVERIFY(data->manifest_json().find("\"0,2-8,10-19\"") != std::string::npos);
        const auto warned = [](const std::string& warning) {
            return warning.find("row 99") != std::string::npos;
        };
        QVERIFY(std::any_of(data->warnings.begin(), data->warnings.end(), warned));
    }

    void duplicates_are_found_without_being_left_out() {
        const Recipe recipe = recipe_of({write(rows(0, 5) + row("Same", "one")),
                                         write(row("Same", "two") + row("Same", "one"))});
        const auto data = compiled(recipe);
        QCOMPARE(data->train_rows(), int64_t{8});
        Recipe asked = recipe;
        asked.mix.dedupe = DedupeMode::Input;
        const auto by_input = *data->find_duplicates(asked, {});
        QCOMPARE(by_input.size(), size_t{2});
        QCOMPARE(data->place_of(by_input[0].kept), std::string("s0 row 6"));
        asked.mix.dedupe = DedupeMode::All;
        const auto whole = *data->find_duplicates(asked, {});
        QCOMPARE(whole.size(), size_t{1});
        QCOMPARE(data->place_of(whole[0].row), std::string("s1 row 2"));
    }

    // promises.md row 8: what the caches weigh is known, and they can be pruned.
    void caches_are_listed_and_removed() {
        Recipe recipe = recipe_of({write(rows(0, 20)), write(rows(20, 60))});
        const auto data = compiled(recipe, "listed");
        QVERIFY(write_file(folder() / "listed" / "notes.txt", "mine").ok());
        QVERIFY(write_file(folder() / "listed" / "a.tokens.arrow.tmp-1-1", "half").ok());
        auto files = list_cache_files(folder() / "listed");
        QCOMPARE(files.size(), size_t{3});
        int64_t bytes = 0;
        for (const CacheFile& file : files) {
            QCOMPARE(file.bytes, static_cast<int64_t>(fs::file_size(file.path)));
            QCOMPARE(file.is_leftover, file.path.filename() == "a.tokens.arrow.tmp-1-1");
            bytes += file.bytes;
        }
        const auto freed = remove_cache_files(files);
        QVERIFY(freed.ok());
        QCOMPARE(*freed, bytes);
        QVERIFY(list_cache_files(folder() / "listed").empty());
        QVERIFY(fs::exists(folder() / "listed" / "notes.txt"));
        QVERIFY(remove_cache_files(files).ok());
        QVERIFY(list_cache_files(folder() / "no such folder").empty());
        // What was read before stays readable, and another compilation builds them anew.
        QCOMPARE(data->train_rows(), int64_t{60});
        QVERIFY(!compiled(recipe, "listed")->sources[0].from_cache);
    }

    void a_cache_made_with_more_bad_rows_allowed_does_not_pass_later() {
        Recipe recipe = recipe_of({write(rows(0, 20) + "{\n")});
        QVERIFY(!compile_data(recipe, &kTokenizer, folder() / "cache").ok());
        recipe.data[0].max_bad_rows = 0.05;
        QVERIFY(compiled(recipe) != nullptr);
        QVERIFY(compiled(recipe)->sources[0].from_cache);
        recipe.data[0].max_bad_rows = 0.01;
        const auto refused = compile_data(recipe, &kTokenizer, folder() / "cache");
        QVERIFY(!refused.ok());
        QVERIFY(refused.error().text().find("max_bad_rows") != std::string::npos);
    }
};

DAYRUN_TEST(TestCompile)
#include "test_compile.moc"
