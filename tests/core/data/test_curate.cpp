// Near duplicates, overlap and the figures of a mix, on rows whose answer is known.
#include <QTest>

#include <set>

#include "core/base/rng.h"
#include "core/data/curate/filter.h"
#include "core/data/curate/mix.h"
#include "core/data/curate/near_dedupe.h"
#include "core/data/curate/overlap.h"
#include "core/data/curate/words.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

using Words = std::vector<uint32_t>;

Words hashes(const std::string& text) {
    Words all;
    for (const Word& word : words_of(text)) all.push_back(word.hash);
    return all;
}

Words random_words(Rng& rng, size_t count) {
    Words words;
    for (size_t i = 0; i < count; ++i) words.push_back(static_cast<uint32_t>(rng.below(20000)) + 1);
    return words;
}

/// `words` with `count` of them, spread over the row, replaced.
Words changed(Words words, size_t count, uint32_t fresh) {
    for (size_t i = 0; i < count; ++i) {
        words[(2 * i + 1) * words.size() / (2 * count)] = fresh + static_cast<uint32_t>(i);
    }
    return words;
}

std::vector<NearDuplicate> near(const std::vector<Words>& rows, NearOptions options) {
    const std::vector<std::span<const uint32_t>> spans(rows.begin(), rows.end());
    return find_near_duplicates(spans, options);
}

}  // namespace

class TestCurate : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void words_ignore_case_spacing_and_punctuation() {
        QCOMPARE(hashes("Don't  STOP,\nnow!"), hashes("don t stop now"));
        QCOMPARE(hashes("\xC3\x89t\xC3\xA9 \xC2\xABok\xC2\xBB"), hashes("\xC3\xA9t\xC3\xA9 ok"));
        // Two Chinese characters are two words.
        QCOMPARE(hashes("\xE4\xBD\xA0\xE5\xA5\xBD").size(), size_t{2});
        QVERIFY(hashes("ab c") != hashes("a bc"));
        QCOMPARE(hashes(" .,; ").size(), size_t{0});
        QCOMPARE(hashes("a\xFF").size(), size_t{1});
        const std::string text = "One, two";
        const auto words = words_of(text);
        QCOMPARE(text.substr(words[1].begin, words[1].end - words[1].begin), std::string("two"));
    }

    void compared_words_leave_out_what_a_task_shares() {
        Sample sample;
        sample.set_exchange("Add these.", "1 2", "3", "Be brief");
        Words expected = hashes("1 2");
        expected.push_back(kPartEnd);
        for (const uint32_t word : hashes("3")) expected.push_back(word);
        expected.push_back(kPartEnd);
        QCOMPARE(compared_words(sample), expected);
    }

    // contracts.md: words(f) and tokens(f) count what a field holds.
    void where_counts_words_and_tokens() {
        Sample sample;
        sample.set_exchange("", "one two three", "3", "");
        const auto letters = [](std::string_view text) {
            return static_cast<int64_t>(text.size());
        };
        const auto keeps = [&](const std::string& where) {
            auto filter = SampleFilter::make({.where = where}, "s", letters);
            if (!filter.ok()) return filter.error().message;
            const auto reason = filter->reason(sample);
            return reason.ok() ? *reason : reason.error().message;
        };
        QCOMPARE(keeps("words(input) == 3 and tokens(input) == 13"), std::string());
        QCOMPARE(keeps("tokens(response) > 1"), std::string("left out by `where`"));
        QVERIFY(keeps("tokens(answer) > 1").find("no field 'answer'") != std::string::npos);
        QVERIFY(keeps("tokens( > 1").find("tokens(field)") != std::string::npos);
        const auto blind = SampleFilter::make({.where = "not tokens(input) < 5"}, "s", {});
        QVERIFY(!blind.ok());
        QVERIFY(blind.error().message.find("counts tokens") != std::string::npos);
        QVERIFY(SampleFilter::make({.where = "words(input) < 5"}, "s", {}).ok());
    }

    void near_duplicates_are_found_with_the_row_that_stays() {
        Rng rng(5);
        std::vector<Words> rows;
        for (int i = 0; i < 400; ++i) rows.push_back(random_words(rng, 100));
        rows.push_back(changed(rows[7], 2, 100000));   // 12 of 98 groups differ both ways: 0.89
        rows.push_back(changed(rows[7], 20, 200000));  // far below
        rows.push_back(rows[9]);
        rows.push_back({});
        rows.push_back({});
        const auto found = near(rows, {.threshold = 0.8, .seed = 1});
        QCOMPARE(found.size(), size_t{2});
        QCOMPARE(found[0].row, 400u);
        QCOMPARE(found[0].kept, 7u);
        QVERIFY(std::abs(found[0].similarity - shingle_similarity(rows[7], rows[400])) < 1e-6);
        QCOMPARE(found[1].row, 402u);
        QCOMPARE(found[1].kept, 9u);
        QCOMPARE(found[1].similarity, 1.0f);
    }

    // Every pair at or above the threshold is found, none below it, at any threshold and on any
    // number of threads.
    void near_duplicates_agree_with_comparing_all_pairs_data() {
        QTest::addColumn<double>("threshold");
        for (const double threshold : {0.2, 0.5, 0.7, 0.8, 0.95, 1.0}) {
            QTest::addRow("%.2f", threshold) << threshold;
        }
    }
    void near_duplicates_agree_with_comparing_all_pairs() {
        QFETCH(double, threshold);
        Rng rng(11);
        std::vector<Words> rows;
        for (uint32_t i = 0; i < 60; ++i) {
            rows.push_back(random_words(rng, 20 + rng.below(120)));
            for (uint32_t copy = 0; copy < 4; ++copy) {
                rows.push_back(changed(rows[rows.size() - 1 - copy], 1 + rng.below(8),
                                       1000000 + 1000 * (4 * i + copy)));
            }
        }
        std::set<uint32_t> expected;
        for (uint32_t row = 0; row < rows.size(); ++row) {
            for (uint32_t other = 0; other < row && !expected.contains(row); ++other) {
                if (expected.contains(other)) continue;
                if (shingle_similarity(rows[row], rows[other]) >= threshold) expected.insert(row);
            }
        }
        std::set<uint32_t> found;
        const auto pairs = near(rows, {.threshold = threshold, .seed = 3, .threads = 1});
        for (const NearDuplicate& pair : pairs) {
            QVERIFY(pair.kept < pair.row);
            QVERIFY(!found.contains(pair.kept));
            QVERIFY(shingle_similarity(rows[pair.row], rows[pair.kept]) >= threshold);
            found.insert(pair.row);
        }
        QCOMPARE(found, expected);
        const auto again = near(rows, {.threshold = threshold, .seed = 3, .threads = 4});
        QCOMPARE(again.size(), pairs.size());
        for (size_t i = 0; i < pairs.size(); ++i) QCOMPARE(again[i].kept, pairs[i].kept);
    }

    void overlap_finds_equal_inputs_and_shared_words() {
        OverlapIndex index(5);
        index.add(11, hashes("the quick brown fox jumps over the lazy dog"));
        index.add(12, hashes("a b c"));
        Words parted = hashes("one two three");
        parted.push_back(kPartEnd);
        for (const uint32_t word : hashes("four five six")) parted.push_back(word);
        index.add(13, parted);
        index.add(std::nullopt, {});
        index.seal();
        QCOMPARE(index.row_count(), 4u);
        const auto run = index.find(
            99, hashes("see: quick, brown fox JUMPS over a quick brown fox jumps over it"));
        QVERIFY(run.has_value());
        QCOMPARE(run->row, 0u);
        QVERIFY(!run->is_exact);
        QCOMPARE(run->begin, 1);
        QCOMPARE(run->end, 6);
        QVERIFY(!index.find(99, hashes("quick brown fox jumps under")).has_value());
        // A short row counts by all its words; a stretch does not reach over a reply's border.
        QVERIFY(index.find(99, hashes("A. B. C.")).has_value());
        QVERIFY(!index.find(99, hashes("a b c d")).has_value());
        QVERIFY(!index.find(99, hashes("one two three four five six")).has_value());
        const auto equal = index.find(13, hashes("nothing"));
        QVERIFY(equal.has_value() && equal->is_exact);
        QCOMPARE(equal->row, 2u);
        QCOMPARE(index.exact_rows(), int64_t{1});
        QCOMPARE(index.ngram_rows(), int64_t{2});
    }

    void overlap_of_many_rows_agrees_with_a_plain_search() {
        Rng rng(3);
        OverlapIndex index(4);
        std::set<Words> grams;
        for (int i = 0; i < 300; ++i) {
            Words row;
            for (int k = 0; k < 12; ++k) row.push_back(static_cast<uint32_t>(rng.below(12)) + 1);
            for (size_t at = 0; at + 4 <= row.size(); ++at) {
                grams.insert(Words(row.begin() + static_cast<std::ptrdiff_t>(at),
                                   row.begin() + static_cast<std::ptrdiff_t>(at + 4)));
            }
            index.add(std::nullopt, row);
        }
        index.seal();
        int hits = 0;
        for (int i = 0; i < 300; ++i) {
            Words row;
            for (int k = 0; k < 6; ++k) row.push_back(static_cast<uint32_t>(rng.below(12)) + 1);
            bool expected = false;
            for (size_t at = 0; at + 4 <= row.size(); ++at) {
                expected |=
                    grams.contains(Words(row.begin() + static_cast<std::ptrdiff_t>(at),
                                         row.begin() + static_cast<std::ptrdiff_t>(at + 4)));
            }
            QCOMPARE(index.find(1, row).has_value(), expected);
            hits += expected ? 1 : 0;
        }
        QVERIFY(hits > 20 && hits < 280);
    }

    // promises.md row 10: samples, trained tokens, effective epochs and share, by either unit, with
    // over-sampling and a cap on repeats.
    void a_mix_shows_its_figures() {
        std::vector<MixSource> sources(2);
        sources[0] = {.name = "a", .rows = 1000, .weight = 0.75, .mean_trained_tokens = 10};
        sources[1] = {.name = "b", .rows = 100, .weight = 0.25, .mean_trained_tokens = 50};
        MixSpec spec;
        spec.rows = 1000;
        spec.max_repeats = 2;
        auto plan = plan_mix(sources, spec);
        QVERIFY(plan.ok());
        auto figures = mix_figures(sources, *plan, spec, 2);
        QCOMPARE(figures[0].rows_per_epoch, int64_t{750});
        QCOMPARE(figures[1].rows_per_epoch, int64_t{200});
        QCOMPARE(figures[1].missing_rows, int64_t{50});
        QCOMPARE(figures[0].effective_epochs, 1.5);
        QCOMPARE(figures[0].effective_unique_rows, int64_t{1000});
        QCOMPARE(figures[1].effective_epochs, 4.0);
        QCOMPARE(figures[1].effective_unique_rows, int64_t{100});
        QCOMPARE(figures[1].trained_tokens_per_epoch, int64_t{10000});
        QVERIFY(std::abs(figures[0].share - 750.0 / 950) < 1e-12);
        QVERIFY(plan->warnings[0].find("capped at 2") != std::string::npos);
        spec.by = MixBy::TrainedTokens;
        spec.rows.reset();
        plan = plan_mix(sources, spec);
        figures = mix_figures(sources, *plan, spec, 1);
        // b can give 200 rows of 50 tokens; a's share of three times that is above its cap of 2000
        // rows, so a is the limit: 20,000 tokens and a third of that from b.
        QCOMPARE(figures[0].rows_per_epoch, int64_t{2000});
        QCOMPARE(figures[1].rows_per_epoch, int64_t{133});
        QVERIFY(std::abs(figures[0].share - 0.75) < 1e-3);
        spec.shuffle = false;
        QCOMPARE(mix_figures(sources, *plan, spec, 5)[1].effective_unique_rows, int64_t{100});
    }
};

DAYRUN_TEST(TestCurate)
#include "test_curate.moc"
