// From samples to packed batches: templates, spans, encoding, packing, caches, streams, compiling.
#include <QTest>
#include <fstream>
#include <map>
#include <numeric>
#include <set>

#include "core/base/rng.h"
#include "core/compile/cache/data_compiler.h"
#include "core/compile/cache/token_cache.h"
#include "core/compile/encode.h"
#include "core/compile/packing/batch_stream.h"
#include "core/compile/packing/pack.h"
#include "core/compile/token_lens.h"
#include "tests/core/compile/row_folder.h"
#include "tests/core/tokens/byte_tokenizer.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using dayrun::tests::ByteTokenizer;
using dayrun::tests::RowFolder;

/// QCOMPARE of texts that shows them.
#define SAME_TEXT(actual, expected)                                        \
    do {                                                                   \
        const std::string found_text = (actual);                           \
        QVERIFY2(found_text == std::string(expected), found_text.c_str()); \
    } while (false)

namespace {

Sample instruction(const std::string& instruction, const std::string& input,
                   const std::string& response) {
    Sample sample;
    sample.set_exchange(instruction, input, response, "");
    return sample;
}

Sample dialogue(const std::vector<std::string>& turns) {
    Sample sample;
    for (size_t i = 0; i < turns.size(); ++i) {
        sample.add_message(i % 2 == 0 ? Role::User : Role::Assistant, turns[i], i % 2 == 1);
    }
    sample.set_field("instruction", "");
    sample.set_field("input", turns[0]);
    sample.set_field("response", turns[1]);
    return sample;
}

/// The text with trained stretches in ‹›.
std::string marked(const TokenizedSample& sample, const Tokenizer& tokenizer) {
    std::string out;
    bool is_open = false;
    for (size_t i = 0; i < sample.tokens.size(); ++i) {
        const bool is_trained = sample.labels[i] != kIgnoreLabel;
        if (is_trained != is_open) out += is_trained ? "{" : "}";
        is_open = is_trained;
        out += tokenizer.decode({sample.tokens[i]});
    }
    return is_open ? out + "}" : out;
}

PromptSpec prompt(const std::string& name, TrainOn train_on = TrainOn::Response) {
    PromptSpec spec;
    spec.prompt_template = name;
    spec.train_on = train_on;
    return spec;
}

std::string rendered(const PromptSpec& spec, const Sample& sample) {
    const ByteTokenizer tokenizer;
    const auto chat_template = ChatTemplate::make(spec);
    if (!chat_template.ok()) return chat_template.error().text();
    EncodePolicy policy;
    policy.sample_limit = 100000;
    const Encoder encoder(*chat_template, &tokenizer, policy);
    return marked(encoder.encode(sample).at(0).sample, tokenizer);
}

}  // namespace

class TestTokens : public QObject, RowFolder {
    Q_OBJECT

    Result<std::shared_ptr<const CompiledData>> compile(const Recipe& recipe) {
        static const ByteTokenizer tokenizer;
        return compile_data(recipe, &tokenizer, folder() / "cache");
    }
    static std::string pairs(int begin, int end, int repeat_every = 0) {
        std::string text;
        for (int i = begin; i < end; ++i) {
            const int number = repeat_every > 0 ? i % repeat_every : i;
            text += "{\"question\": \"What is number " + std::to_string(number) +
                    "?\", \"answer\": \"It is " + std::string(static_cast<size_t>(i % 37), 'x') +
                    ".\"}\n";
        }
        return text;
    }

  private Q_SLOTS:
    void templates_mark_what_is_trained() {
        const Sample row = instruction("Add.", "1 2", "3");
        QCOMPARE(
            rendered(prompt("upaya"), row),
            std::string("<s>### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n{3</s>}"));
        SAME_TEXT(rendered(prompt("upaya"), instruction("", "Why?", "So.")),
                  std::string("<s>### Input:\nWhy?\n\n### Response:\n{So.</s>}"));
        SAME_TEXT(
            rendered(prompt("percent_bfd"), row),
            std::string("<s>A chat between a curious user and an artificial intelligence "
                        "assistant. The assistant gives helpful, detailed, and polite answers "
                        "to the user's questions.\nHuman: Add.\n1 2\nAssistant: {3</s>}"));
        SAME_TEXT(rendered(prompt("human_assistant"), instruction("Hi.", "", "Ho.")),
                  std::string("<s>Human: Hi.\nAssistant: {Ho.</s>}"));
        QVERIFY(rendered(prompt("alpaca"), row).find("### Input:\n1 2\n\n### Response:\n{3</s>}") !=
                std::string::npos);
        QVERIFY(rendered(prompt("alpaca"), instruction("Hi.", "", "Ho.")).find("Input") ==
                std::string::npos);
        SAME_TEXT(rendered(prompt("all {input}"), row).substr(0, 3), std::string("<s>"));
        SAME_TEXT(rendered(prompt("Q: {instruction}[[ ({input})]] A:"), instruction("I", "", "R")),
                  std::string("<s>Q: I A:{R</s>}"));
        QVERIFY(rendered(prompt("no field"), row).find("neither one of upaya") !=
                std::string::npos);
        QVERIFY(rendered(prompt("[[{input}"), row).find("not closed") != std::string::npos);
        QVERIFY(rendered(prompt("model"), row).find("needs a base model") != std::string::npos);
    }

    void every_reply_of_a_dialogue_ends_with_its_trained_stop_token() {
        const Sample talk = dialogue({"A?", "B.", "C?", "D."});
        QCOMPARE(
            rendered(prompt("chatml"), talk),
            std::string("<s><|im_start|>user\nA?<|im_end|>\n<|im_start|>assistant\n{B.<|im_end|>}\n"
                        "<|im_start|>user\nC?<|im_end|>\n<|im_start|>assistant\n{D.<|im_end|>}"));
        SAME_TEXT(rendered(prompt("mistral", TrainOn::LastResponse), talk),
                  std::string("<s>[INST] A? [/INST]B.</s>[INST] C? [/INST]{D.</s>}"));
        SAME_TEXT(rendered(prompt("llama2"), talk),
                  std::string("<s>[INST] A? [/INST]{ B. </s>}<s>[INST] C? [/INST]{ D. </s>}"));
        SAME_TEXT(rendered(prompt("human_assistant", TrainOn::All), dialogue({"A", "B"})),
                  std::string("<s>{Human: A\nAssistant: B</s>}"));
        Sample weighed = talk;
        weighed.set_trained(1, false);
        SAME_TEXT(rendered(prompt("mistral"), weighed),
                  std::string("<s>[INST] A? [/INST]B.</s>[INST] C? [/INST]{D.</s>}"));
        for (const std::string& name : template_names()) {
            QVERIFY2(rendered(prompt(name), talk).ends_with("}"), name.c_str());
        }
    }

    void text_of_a_row_never_becomes_a_special_token() {
        const std::string text = rendered(prompt("chatml"), instruction("", "<s></s>", "x"));
        const ByteTokenizer tokenizer;
        const auto chat_template = ChatTemplate::make(prompt("chatml"));
        EncodePolicy policy;
        policy.sample_limit = 1000;
        const auto tokens =
            Encoder(*chat_template, &tokenizer, policy).encode(instruction("", "<s></s>", "x"));
        const auto& ids = tokens.at(0).sample.tokens;
        QCOMPARE(std::count(ids.begin(), ids.end(), 1), std::ptrdiff_t{1});
        QVERIFY(text.find("<s></s>") != std::string::npos);
    }

    void too_long_cuts_turns_and_never_the_template() {
        const ByteTokenizer tokenizer;
        const auto chat_template = ChatTemplate::make(prompt("Q:{input}\nA:"));
        EncodePolicy policy;
        const auto encode = [&](const Sample& sample) {
            return Encoder(*chat_template, &tokenizer, policy).encode(sample).at(0);
        };
        const Sample long_input = instruction("", std::string(50, 'i') + "END", "yes");
        policy.sample_limit = 30;
        QVERIFY(encode(long_input).status == EncodeStatus::TooLong);
        policy.too_long = TooLong::KeepHead;
        EncodedSample cut = encode(long_input);
        QVERIFY(cut.status == EncodeStatus::Kept);
        SAME_TEXT(marked(cut.sample, tokenizer), "<s>Q:" + std::string(20, 'i') + "\nA:{yes</s>}");
        QCOMPARE(cut.sample.tokens.size(), size_t{30});
        QCOMPARE(cut.sample.truncated_tokens, int64_t{33});
        QVERIFY(!cut.sample.lost_stop_token);
        policy.too_long = TooLong::KeepTail;
        SAME_TEXT(marked(encode(long_input).sample, tokenizer),
                  "<s>Q:" + std::string(17, 'i') + "END\nA:{yes</s>}");
        policy.too_long = TooLong::KeepHead;
        cut = encode(instruction("", "q", std::string(50, 'r')));
        QVERIFY(cut.sample.lost_stop_token);
        QCOMPARE(cut.truncated_target_tokens, int64_t{27});
        SAME_TEXT(marked(cut.sample, tokenizer), "<s>Q:\nA:{" + std::string(24, 'r') + "}");
        cut = encode(dialogue({"one", "two", "three", "four four four"}));
        SAME_TEXT(marked(cut.sample, tokenizer), std::string("<s>Q:one\nA:{two</s>}"));
        policy.sample_limit = 100;
        policy.max_response_tokens = 3;
        policy.too_long = TooLong::Drop;
        QVERIFY(encode(instruction("", "q", "four")).status == EncodeStatus::TooLong);
        QVERIFY(encode(instruction("", "q", "ab")).status == EncodeStatus::Kept);
        policy.max_response_tokens.reset();
        policy.max_prompt_tokens = 7;
        QVERIFY(encode(instruction("", "q", "four")).status == EncodeStatus::Kept);
        QVERIFY(encode(instruction("", "qq", "four")).status == EncodeStatus::TooLong);
    }

    void plain_text_splits_into_windows() {
        const ByteTokenizer tokenizer;
        const auto chat_template = ChatTemplate::make(prompt("upaya"));
        EncodePolicy policy;
        policy.sample_limit = 5;
        policy.too_long = TooLong::Split;
        Sample text;
        text.set_field("text", "abcdefghij");
        const auto parts = Encoder(*chat_template, &tokenizer, policy).encode(text);
        QCOMPARE(parts.size(), size_t{3});
        SAME_TEXT(marked(parts[0].sample, tokenizer), std::string("<s>{abcd}"));
        SAME_TEXT(marked(parts[2].sample, tokenizer), std::string("<s>{ij</s>}"));
    }

    void first_fit_takes_the_first_row_with_room() {
        const std::vector<int32_t> lengths{6, 5, 4, 5, 1, 10};
        const auto rows = pack_first_fit(lengths, 10);
        const std::vector<std::vector<uint32_t>> expected{{0, 2}, {1, 3}, {4}, {5}};
        QCOMPARE(rows, expected);
        // Against the plain search, on random lengths.
        Rng rng(7, "pack");
        std::vector<int32_t> random;
        for (int i = 0; i < 3000; ++i) random.push_back(static_cast<int32_t>(1 + rng.below(512)));
        std::vector<std::vector<uint32_t>> plain;
        std::vector<int64_t> room;
        for (uint32_t i = 0; i < random.size(); ++i) {
            size_t row = 0;
            while (row < room.size() && room[row] < random[i]) ++row;
            if (row == room.size()) {
                room.push_back(512);
                plain.emplace_back();
            }
            room[row] -= random[i];
            plain[row].push_back(i);
        }
        QCOMPARE(pack_first_fit(random, 512), plain);
    }

    void a_batch_shifts_targets_inside_documents() {
        PackedRow row;
        row.tokens = {1, 5, 6, 1, 7};
        row.labels = {kIgnoreLabel, 5, 6, 1, 7};
        row.documents = {{11, 0, 0, 3}, {12, 1, 3, 5}};
        const PackedBatch batch = make_batch({row, row}, 8, 3);
        const std::vector<int32_t> targets{5, 6, -100, 7, -100, 5, 6, -100, 7, -100};
        QCOMPARE(batch.targets, targets);
        const std::vector<int32_t> positions{0, 1, 2, 0, 1, 0, 1, 2, 0, 1};
        QCOMPARE(batch.position_ids, positions);
        const std::vector<int32_t> borders{0, 3, 5, 8, 10};
        QCOMPARE(batch.cu_seqlens, borders);
        const std::vector<int32_t> row_starts{0, 5, 10};
        QCOMPARE(batch.row_starts, row_starts);
        QCOMPARE(batch.target_token_count, int64_t{6});
        QCOMPARE(batch.slot_tokens, int64_t{16});
        QCOMPARE(batch.max_seqlen, 3);
        QCOMPARE(batch.documents[3].begin, 8);
        QCOMPARE(batch.batch_index, uint64_t{3});
        QCOMPARE(make_batch({row}, 0).slot_tokens, int64_t{5});
    }

    void finished_ids_are_used_in_file_order() {
        std::string rows;
        for (int i = 0; i < 5; ++i) {
            rows += "{\"input_ids\": [1, " + std::to_string(10 + i) +
                    ", 4], \"labels\": [-100, -100, 9]}\n";
        }
        Recipe recipe = recipe_of({write(rows)});
        recipe.data[0].converter = "token_ids";
        recipe.mix.shuffle = false;
        recipe.tokens.packing = false;
        recipe.batch.micro_batch_size = 2;
        auto data = compile_data(recipe, nullptr, folder() / "cache");
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        QCOMPARE((*data)->micro_batches_in_epoch(0), int64_t{3});
        QCOMPARE((*data)->sources[0].max_token_id, 14);
        BatchStream stream(*data);
        std::vector<int32_t> seen;
        for (int i = 0; i < 4; ++i) {
            auto next = stream.next();
            QVERIFY(next.ok());
            QCOMPARE(next->batch.batch_index, static_cast<uint64_t>(i));
            QCOMPARE(next->epoch, int64_t{i / 3});
            QCOMPARE(next->is_last_of_epoch(), i == 2);
            for (size_t t = 1; t < next->batch.tokens.size(); t += 3) {
                seen.push_back(next->batch.tokens[t]);
                QCOMPARE(next->batch.targets[t], 9);
            }
        }
        const std::vector<int32_t> expected{10, 11, 12, 13, 14, 10, 11};
        QCOMPARE(seen, expected);
    }

    void compiling_twice_gives_the_same_bytes_and_reads_nothing() {
        Recipe recipe = recipe_of({write(pairs(0, 500)), write(pairs(500, 700))});
        recipe.split.validation.fraction = 0.1;
        recipe.split.test.rows = 20;
        recipe.tokens.max_seq_len = 512;
        const auto first = compile(recipe);
        QVERIFY2(first.ok(), first.ok() ? "" : first.error().text().c_str());
        QVERIFY(!(*first)->sources[0].from_cache);
        const auto second = compile(recipe);
        QVERIFY((*second)->sources[0].from_cache && (*second)->sources[1].from_cache);
        QCOMPARE((*second)->manifest_json(), (*first)->manifest_json());
        QCOMPARE((*first)->validation_rows(), int64_t{70});
        QCOMPARE((*first)->test_rows(), int64_t{20});
        QCOMPARE((*first)->train_rows(), int64_t{610});
        QCOMPARE((*first)->overlap.exact, int64_t{0});
        // A changed ratio re-tokenizes nothing.
        recipe.data[0].weight = 0.5;
        recipe.data[1].weight = 0.5;
        recipe.mix.rows = 100;
        const auto mixed = compile(recipe);
        QVERIFY((*mixed)->sources[0].from_cache);
        QCOMPARE((*mixed)->sources[0].rows_per_epoch, int64_t{50});
        QCOMPARE((*mixed)->train_rows(), int64_t{100});
    }

    void epochs_use_every_row_once_in_another_order() {
        Recipe recipe = recipe_of({write(pairs(0, 300))});
        recipe.tokens.max_seq_len = 400;
        const auto data = compile(recipe);
        QVERIFY(data.ok());
        std::vector<uint32_t> orders[2];
        for (const int64_t epoch : {0, 1}) {
            const EpochPlan plan = (*data)->plan_epoch(epoch);
            std::set<uint32_t> rows;
            for (const SampleRef& sample : plan.samples) {
                rows.insert(sample.row);
                orders[epoch].push_back(sample.row);
            }
            QCOMPARE(rows.size(), size_t{300});
            size_t placed = 0;
            for (size_t row = 0; row < plan.rows.size(); ++row) {
                const PackedRow packed = *(*data)->read_row(plan, row);
                QVERIFY(packed.tokens.size() <= 400);
                placed += packed.documents.size();
                for (const DocumentSpan& document : packed.documents) {
                    QCOMPARE(packed.tokens[static_cast<size_t>(document.begin)], 1);
                    QCOMPARE(packed.labels[static_cast<size_t>(document.end) - 1], 2);
                }
            }
            QCOMPARE(placed, size_t{300});
        }
        QVERIFY(orders[0] != orders[1]);
        QCOMPARE(orders[0].size(), (*data)->plan_epoch(0).samples.size());
    }

    void a_stream_resumes_at_a_position() {
        Recipe recipe = recipe_of({write(pairs(0, 200))});
        recipe.tokens.max_seq_len = 300;
        recipe.batch.micro_batch_size = 2;
        const auto data = compile(recipe);
        const auto count = (*data)->micro_batches_in_epoch(0);
        BatchStream whole(*data);
        const auto position = static_cast<uint64_t>(count + 2);
        for (uint64_t i = 0; i < position; ++i) QVERIFY(whole.next().ok());
        BatchStream resumed(*data, position);
        for (int i = 0; i < 5; ++i) {
            auto a = whole.next();
            auto b = resumed.next();
            QCOMPARE(a->batch.batch_index, b->batch.batch_index);
            QCOMPARE(a->batch.tokens, b->batch.tokens);
            QCOMPARE(a->epoch, b->epoch);
        }
    }

    void groups_stay_on_one_side_and_duplicates_go_first() {
        Recipe recipe = recipe_of({write(pairs(0, 400, 100))});
        recipe.split.validation.fraction = 0.2;
        auto data = compile(recipe);
        QVERIFY(data.ok());
        QCOMPARE((*data)->sources[0].validation_rows, int64_t{80});
        QCOMPARE((*data)->overlap.exact, int64_t{0});
        recipe.mix.dedupe = DedupeMode::Input;
        data = compile(recipe);
        QCOMPARE((*data)->sources[0].dropped.reasons.at("duplicate input").count, int64_t{300});
        QCOMPARE((*data)->train_rows() + (*data)->validation_rows(), int64_t{100});
    }

    void overlap_of_given_validation_is_reported() {
        Recipe recipe = recipe_of({write(pairs(0, 100)), write(pairs(90, 110))});
        recipe.data[1].use = SourceUse::Validation;
        const auto data = compile(recipe);
        QCOMPARE((*data)->overlap.exact, int64_t{10});
        QCOMPARE((*data)->overlap.training_rows(), int64_t{10});
        QCOMPARE((*data)->validation_rows(), int64_t{20});
        QVERIFY(!(*data)->warnings.empty());
    }

    void filters_takes_and_copies_are_counted() {
        Recipe recipe =
            recipe_of({write(pairs(0, 100) + "{\"question\": \"Why?\", \"answer\": \"\"}\n" +
                             "{\"question\": \"Now?\", \"answer\": \"Yes\"}\n")});
        recipe.data[0].filter.min_input_words = 2;
        recipe.data[0].filter.where = "answer contains 'x' and not (words(question) > 9)";
        recipe.data[0].take.rows = 30;
        recipe.data[0].copies = 2;
        const auto data = compile(recipe);
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        const SourceReport& report = (*data)->sources[0];
        QCOMPARE(report.rows_in, int64_t{102});
        QCOMPARE(report.dropped.reasons.at("no answer").count, int64_t{1});
        QCOMPARE(report.dropped.reasons.at("input of fewer than 2 words").count, int64_t{1});
        QCOMPARE(report.dropped.reasons.at("left out by `where`").count, int64_t{3});
        QCOMPARE(report.dropped.reasons.at("not taken").count, int64_t{67});
        QCOMPARE(report.train_rows, int64_t{30});
        QCOMPARE(report.rows_per_epoch, int64_t{60});
        QCOMPARE(report.rows_in, report.train_rows + report.dropped.total());
        recipe.data[0].filter.where = "colour == 'red'";
        const auto unknown = compile(recipe);
        QVERIFY(!unknown.ok());
        QVERIFY(unknown.error().text().find("no field 'colour'") != std::string::npos);
        recipe.data[0].filter.where = "answer ==";
        QVERIFY(compile(recipe).error().text().find("character 10") != std::string::npos);
    }

    void a_damaged_cache_is_built_anew() {
        Recipe recipe = recipe_of({write(pairs(0, 60))});
        recipe.seed = 77;
        const std::string file = (*compile(recipe))->sources[0].cache_file;
        const auto size = std::filesystem::file_size(file);
        std::filesystem::resize_file(file, size / 2);
        auto data = compile(recipe);
        QVERIFY(data.ok());
        QVERIFY(!(*data)->sources[0].from_cache);
        QVERIFY((*compile(recipe))->sources[0].from_cache);
        QVERIFY(!TokenCache::open(file, "another key").ok());
        // A changed file is another source.
        std::ofstream(recipe.folder / recipe.data[0].path, std::ios::app) << pairs(60, 61);
        data = compile(recipe);
        QVERIFY(!(*data)->sources[0].from_cache);
        QCOMPARE((*data)->sources[0].rows_in, int64_t{61});
    }

    void nothing_left_to_train_says_why() {
        Recipe recipe = recipe_of({write(pairs(0, 5))});
        recipe.tokens.max_seq_len = 8;
        const auto data = compile(recipe);
        QVERIFY(!data.ok());
        QVERIFY2(data.error().text().find("5 too long") != std::string::npos,
                 data.error().text().c_str());
        recipe.data[0].path = "absent.jsonl";
        QVERIFY(compile(recipe).error().code == ErrorCode::FileMissing);
        recipe.data[0].path = write(" \n");
        QVERIFY(compile(recipe).error().text().find("holds no rows") != std::string::npos);
    }

    void the_lens_shows_parts_and_spans() {
        const ByteTokenizer tokenizer;
        Recipe recipe;
        recipe.data.emplace_back();
        const Sample sample = instruction("Add.", "1 2", "3");
        const auto view = token_lens(sample, recipe, &tokenizer);
        QVERIFY(view.ok());
        std::map<std::string, std::string> parts;
        for (const LensToken& token : view->tokens) parts[token.part] += token.piece;
        QCOMPARE(parts.at("bos"), std::string("<s>"));
        QCOMPARE(parts.at("instruction"), std::string("Add."));
        QCOMPARE(parts.at("input"), std::string("1 2"));
        QCOMPARE(parts.at("response"), std::string("3"));
        QCOMPARE(parts.at("stop"), std::string("</s>"));
        QCOMPARE(view->bos_count, int64_t{1});
        QCOMPARE(view->trained_tokens, int64_t{2});
    }
};

DAYRUN_TEST(TestTokens)
#include "test_tokens.moc"
