// Merging by hand-made rules, both ways of merging, unknowns, and the scanners against PCRE2.
#include <QTest>
#include <algorithm>
#include <random>

#include "core/tokens/bpe/bpe_model.h"
#include "core/tokens/bpe/merges_of_pieces.h"
#include "core/tokens/bpe/word_scanner.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using Ids = std::vector<int32_t>;

namespace {

Ids encoded(const BpeModel& model, std::string_view word) {
    BpeScratch scratch;
    Ids ids, again;
    model.encode_word(word, scratch, ids);
    model.encode_word(word, scratch, again);  // the second time from the cache
    return ids == again ? ids : Ids{-99};
}

/// a b c, ab (rank 1), bc (rank 0), abc (rank 2, from a + bc).
BpeVocab small_vocab() {
    return {.tokens = {"a", "b", "c", "ab", "bc", "abc"},
            .merges = {{1, 2, 0, 4}, {0, 1, 1, 3}, {0, 4, 2, 5}},
            .is_byte_level = true};
}

/// Merges over the alphabet a..d, 60 of them, chosen by a seed.
BpeVocab random_vocab(uint32_t seed) {
    std::mt19937 random(seed);
    BpeVocab vocab{.tokens = {"a", "b", "c", "d"}, .merges = {}, .is_byte_level = true};
    for (int32_t rank = 0; rank < 60; ++rank) {
        const auto left = static_cast<int32_t>(random() % vocab.tokens.size());
        const auto right = static_cast<int32_t>(random() % vocab.tokens.size());
        const bool is_known = std::any_of(
            vocab.merges.begin(), vocab.merges.end(),
            [&](const BpeMerge& merge) { return merge.left == left && merge.right == right; });
        if (is_known) continue;
        vocab.merges.push_back({left, right, rank, static_cast<int32_t>(vocab.tokens.size())});
        vocab.tokens.push_back(vocab.tokens[size_t(left)] + vocab.tokens[size_t(right)]);
    }
    return vocab;
}

/// The definition: merge the leftmost pair of the lowest rank until none is left.
Ids merged_naively(const BpeVocab& vocab, std::string_view word) {
    Ids ids;
    for (const char c : word) ids.push_back(c - 'a');
    while (true) {
        const BpeMerge* best = nullptr;
        size_t place = 0;
        for (size_t i = 0; i + 1 < ids.size(); ++i) {
            for (const BpeMerge& merge : vocab.merges) {
                if (merge.left != ids[i] || merge.right != ids[i + 1]) continue;
                if (best == nullptr || merge.rank < best->rank) {
                    best = &merge;
                    place = i;
                }
            }
        }
        if (best == nullptr) return ids;
        ids[place] = best->merged;
        ids.erase(ids.begin() + static_cast<ptrdiff_t>(place) + 1);
    }
}

}  // namespace

class TestBpeModel : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void merges_the_lowest_rank_first() {
        const BpeModel model(small_vocab());
        QVERIFY(encoded(model, "abc") == (Ids{5}));
        QVERIFY(encoded(model, "abab") == (Ids{3, 3}));
        QVERIFY(encoded(model, "cab") == (Ids{2, 3}));
        QVERIFY(encoded(model, "") == Ids{});
        QVERIFY(encoded(model, "axb") == (Ids{3}));  // no unknown token: x is dropped
    }

    void long_and_short_words_merge_alike() {
        std::mt19937 random(7);
        for (uint32_t seed = 0; seed < 20; ++seed) {
            const BpeVocab vocab = random_vocab(seed);
            const BpeModel model(vocab);
            for (const size_t length : {5u, 39u, 41u, 150u}) {
                std::string word;
                for (size_t i = 0; i < length; ++i) word += static_cast<char>('a' + random() % 4);
                QVERIFY2(encoded(model, word) == merged_naively(vocab, word), word.c_str());
            }
        }
    }

    void a_whole_word_wins_when_merges_are_ignored() {
        BpeVocab vocab = small_vocab();
        vocab.tokens.push_back("cc");  // no merge makes it
        vocab.ignore_merges = true;
        const BpeModel model(std::move(vocab));
        QVERIFY(encoded(model, "cc") == (Ids{6}));
        QVERIFY(encoded(model, "ccc") == (Ids{2, 2, 2}));
    }

    void unknown_characters_become_bytes_or_one_unknown() {
        BpeVocab vocab{.tokens = {"<unk>", "a", "<0xC3>", "<0xA9>"},
                       .merges = {},
                       .byte_fallback = true,
                       .fuse_unk = true,
                       .unk_id = 0};
        const BpeModel model(vocab);
        QVERIFY(encoded(model, "aéa") == (Ids{1, 2, 3, 1}));
        QVERIFY(encoded(model, "aüüa") == (Ids{1, 0, 1}));
        vocab.fuse_unk = false;
        const BpeModel separate(std::move(vocab));
        QVERIFY(encoded(separate, "üü") == (Ids{0, 0}));
    }

    void pieces_without_rules_merge_by_rank_and_leftmost() {
        // "b" is no token: a symbol that only merging may use.
        BpeVocab vocab{.tokens = {"<unk>", "a", "ab", "ba", "aba"}, .merges = {}, .unk_id = 0};
        add_merges_of_pieces(vocab, {-1, 3, 1, 1, 2});
        QCOMPARE(vocab.token_count, 5);
        const BpeModel model(std::move(vocab));
        QVERIFY(encoded(model, "abab") == (Ids{2, 2}));
        QVERIFY(encoded(model, "baab") == (Ids{3, 2}));
        QVERIFY(encoded(model, "abb") == (Ids{2, 0}));
    }

    void scanners_cut_as_their_patterns_do_data() {
        QTest::addColumn<QString>("pattern");
        for (const auto pattern : {kGpt2Pattern, kLlama3Pattern, kQwenPattern}) {
            QTest::newRow(pattern.substr(0, 40).data())
                << QString::fromStdString(std::string(pattern));
        }
    }

    void scanners_cut_as_their_patterns_do() {
        QFETCH(QString, pattern);
        const auto scanner = WordScanner::make(pattern.toStdString());
        const auto oracle = WordScanner::make_regex(pattern.toStdString());
        QVERIFY(scanner.ok() && oracle.ok());
        const std::vector<std::string> pieces = {
            "a",      "Bc",      "é",      "ß",     "\u4e2d",    "\u0e01", "\u0301", "1",
            "42",     "\u0663",  "\u00bd", " ",     "  ",        "\n",     "\r\n",   "\t",
            "\u00a0", "\u3000",  "\u2028", "'",     "'s",        "'S",     "'ll",    "'VE",
            "'x",     "'\u017f", ".",      "!?",    "_",         "-",      "\u20ac", "\U0001f600",
            "\u200d", "\u200b",  "\"",     "<|x|>", "\U0001d504"};
        std::mt19937 random(11);
        for (int round = 0; round < 3000; ++round) {
            std::string text;
            for (size_t i = random() % 12; i > 0; --i) text += pieces[random() % pieces.size()];
            std::vector<WordMatch> ours, theirs;
            (*scanner)->scan(text, ours);
            (*oracle)->scan(text, theirs);
            const bool is_same = std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                                            [](const WordMatch& a, const WordMatch& b) {
                                                return a.begin == b.begin && a.end == b.end;
                                            });
            QVERIFY2(is_same, text.c_str());
        }
    }

    void scanners_survive_broken_utf8() {
        for (const auto pattern : {kGpt2Pattern, kQwenPattern}) {
            const auto scanner = WordScanner::make(std::string(pattern));
            std::mt19937 random(3);
            for (int round = 0; round < 2000; ++round) {
                std::string text;
                for (size_t i = random() % 20; i > 0; --i)
                    text += static_cast<char>(random() % 256);
                std::vector<WordMatch> matches;
                (*scanner)->scan(text, matches);
                size_t at = 0;
                for (const WordMatch& match : matches) {
                    QVERIFY(match.begin == at && match.end > match.begin);
                    at = match.end;
                }
                QCOMPARE(at, text.size());
            }
        }
    }
};

DAYRUN_TEST(TestBpeModel)
#include "test_bpe_model.moc"
