// kernels/common/philox, dropout, neftune: known words, repeatable masks, statistics, threads.
#include <set>

#include "kernels/common/philox.h"
#include "kernels/dropout/dropout.h"
#include "kernels/neftune/neftune.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

Dropout dropout_params(Buffer& out, const Buffer& x, int64_t rows, int64_t cols) {
    Dropout p;
    p.out = out.data();
    p.x = x.data();
    p.stream = {42, 7};
    p.probability = 0.05f;
    p.dtype = x.dtype();
    p.rows = rows;
    p.cols = cols;
    return p;
}

}  // namespace

class TestRandomMasks : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    /// The published test vectors of Philox-4x32-10.
    void known_words() {
        const PhiloxWords zero = philox({{0, 0, 0, 0}}, 0);
        const uint32_t zero_words[] = {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u};
        const PhiloxWords ones = philox({{~0u, ~0u, ~0u, ~0u}}, ~uint64_t{0});
        const uint32_t ones_words[] = {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu};
        const PhiloxWords pi = philox({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
                                      uint64_t{0x299f31d0u} << 32 | 0xa4093822u);
        const uint32_t pi_words[] = {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u};
        for (int i = 0; i < 4; ++i) {
            QCOMPARE(zero.word[i], zero_words[i]);
            QCOMPARE(ones.word[i], ones_words[i]);
            QCOMPARE(pi.word[i], pi_words[i]);
        }
    }

    void every_element_has_its_own_word() {
        std::set<uint64_t> seen;
        for (int64_t e = 0; e < 4096; ++e) {
            seen.insert(uint64_t{random_word({1, 2}, e)} << 32 | random_word({1, 3}, e));
        }
        QCOMPARE(seen.size(), size_t{4096});
        QVERIFY(random_word({1, 2}, 5) != random_word({2, 2}, 5));
        // Beyond 2^32 counters the upper half counts on.
        QVERIFY(random_word({1, 2}, int64_t{5} << 34) != random_word({1, 2}, 0));
    }

    void halves_share_the_words_of_a_block() {
        const RandomStream stream{5, 6};
        QCOMPARE(random_half(stream, 3), random_word(stream, 3) & 0xffffu);
        QCOMPARE(random_half(stream, 67), random_word(stream, 3) >> 16);
        QCOMPARE(random_half(stream, 128), random_word(stream, 64) & 0xffffu);
        QCOMPARE(random_half(stream, 255), random_word(stream, 127) >> 16);
    }

    void dropout_matches_reference_data() { add_dtype_rows(); }
    void dropout_matches_reference() {
        const RowSetup setup;
        const int64_t shapes[][2] = {{1, 1}, {3, 5}, {2, 64}, {7, 77}, {5, 288}};
        for (const auto& [rows, cols] : shapes) {
            for (const DropoutInto into : {DropoutInto::Overwrite, DropoutInto::Add}) {
                for (const float probability : {0.0f, 0.05f, 0.7f}) {
                    const Buffer x = Buffer::normal(setup.dtype, rows * cols, 1);
                    Buffer out = Buffer::normal(setup.dtype, rows * cols, 2), truth = out;
                    Dropout p = dropout_params(out, x, rows, cols);
                    p.into = into;
                    p.probability = probability;
                    p.first_row = 1000;
                    dropout_apply(p);
                    p.out = truth.data();
                    dropout_reference_apply(p);
                    QVERIFY(out == truth);
                    if (probability == 0.0f && into == DropoutInto::Overwrite) QVERIFY(out == x);
                }
            }
        }
    }

    /// A piece drawn alone has the mask of the whole, so a recomputed chunk agrees.
    void pieces_have_the_mask_of_the_whole() {
        const int64_t rows = 12, cols = 50;
        const Buffer x = Buffer::normal(Dtype::Float32, rows * cols, 1);
        Buffer whole(Dtype::Float32, rows * cols), pieces = whole, in_place = x;
        dropout_apply(dropout_params(whole, x, rows, cols));
        for (int64_t row = 0; row < rows; row += 4) {
            Dropout p = dropout_params(pieces, x, 4, cols);
            p.out = pieces.from(row * cols);
            p.x = static_cast<const float*>(x.data()) + row * cols;
            p.first_row = row;
            dropout_apply(p);
        }
        QVERIFY(whole == pieces);
        dropout_apply(dropout_params(in_place, in_place, rows, cols));
        QVERIFY(whole == in_place);
    }

    void dropout_share_and_mean() {
        const int64_t count = 400000;
        Buffer x(Dtype::Float32, count), out = x;
        for (int64_t i = 0; i < count; ++i) x.set(i, 1.0f);
        dropout_apply(dropout_params(out, x, 1, count));
        int64_t dropped = 0;
        for (int64_t i = 0; i < count; ++i) {
            dropped += out.at(i) == 0.0f;
            QVERIFY(out.at(i) == 0.0f || out.at(i) == dropout_rule(0.05f).scale);
        }
        // 0.05 is 3277 / 65536 here; the mean of kept elements makes up for exactly that.
        QCOMPARE(dropout_rule(0.05f).threshold, 3277u);
        // Five standard deviations of a binomial around 20,000.
        QVERIFY(std::abs(dropped - 20000) < 5 * std::sqrt(400000 * 0.05 * 0.95));
    }

    void neftune_matches_reference_data() { add_dtype_rows(); }
    void neftune_matches_reference() {
        const RowSetup setup;
        for (const int64_t cols : {1, 63, 64, 300}) {
            const int64_t tokens = 9;
            const std::vector<float> scale = {0.1f, 0.1f, 0.0f, 0.5f, 0.1f, 1.0f, 0.2f, 0.2f, 0.1f};
            const Buffer before = Buffer::normal(setup.dtype, tokens * cols, 1);
            Buffer x = before, truth = before;
            Neftune p;
            p.x = x.data();
            p.scale = scale.data();
            p.stream = {3, 9};
            p.dtype = setup.dtype;
            p.tokens = tokens;
            p.cols = cols;
            neftune_add(p);
            p.x = truth.data();
            neftune_reference_add(p);
            DAYRUN_COMPARE_CLOSE(x, truth, setup.dtype == Dtype::Float32 ? 1e-7 : 0.0079);
            for (int64_t i = 0; i < cols; ++i) {
                QCOMPARE(x.at(2 * cols + i), before.at(2 * cols + i));
                QVERIFY(std::abs(x.at(5 * cols + i) - before.at(5 * cols + i)) <= 1.02f);
            }
        }
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        const int64_t rows = 100, cols = 333;
        QVERIFY(is_bit_equal_over_threads([&] {
            Buffer x = Buffer::normal(setup.dtype, rows * cols, 1);
            dropout_apply(dropout_params(x, x, rows, cols));
            const std::vector<float> scale(static_cast<size_t>(rows), 0.3f);
            Neftune p;
            p.x = x.data();
            p.scale = scale.data();
            p.dtype = setup.dtype;
            p.tokens = rows;
            p.cols = cols;
            neftune_add(p);
            return std::vector<Buffer>{x};
        }));
    }
};

DAYRUN_TEST(TestRandomMasks)
#include "test_random_masks.moc"
