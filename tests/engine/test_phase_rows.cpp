// The block that the phases of a step use in turn: values of one phase never touch each other at
// any number of rows, the largest phase decides its size, and the rotated rows stay where they are.
#include <QTest>
#include <algorithm>
#include <cstdint>

#include "core/engine/decoder/phase_rows.h"
#include "tests/support/test_registry.h"

using namespace dayrun::engine;
using dayrun::core::LayerShape;

namespace {

// Odd widths, so that rows end between two 64-byte borders.
LayerShape odd_shape(bool has_qk_norm) {
    return {.hidden = 36, .q = 30, .kv = 10, .intermediate = 70, .has_qk_norm = has_qk_norm};
}

}  // namespace

class TestPhaseRows : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void values_of_a_phase_lie_one_after_the_other() {
        PhaseRows rows(odd_shape(true), Dtype::BFloat16);
        for (const int64_t count : {1, 7, 33}) {
            for (const Phase phase :
                 {Phase::Attention, Phase::AttentionBackward, Phase::Mlp, Phase::Head}) {
                const auto widths = dayrun::core::phase_widths(odd_shape(true), phase);
                const auto taken = rows.take(phase, count);
                const std::byte* end = nullptr;
                for (size_t i = 0; i < taken.size(); ++i) {
                    QCOMPARE(taken[i].empty(), widths[i] == 0);
                    if (taken[i].empty()) continue;
                    QCOMPARE(taken[i].rows, count);
                    QCOMPARE(taken[i].cols, widths[i]);
                    QCOMPARE(taken[i].stride, widths[i]);
                    const auto* const begin = static_cast<const std::byte*>(taken[i].data);
                    QCOMPARE(reinterpret_cast<uintptr_t>(begin) % 64, uintptr_t{0});
                    QVERIFY(end == nullptr || begin >= end);
                    end = begin + count * widths[i] * 2;
                }
            }
        }
    }

    void the_largest_phase_decides_and_none_asks_again() {
        const MemoryLedger& ledger = host_arena().ledger();
        const int64_t before = ledger.held(MemoryPart::Working);
        const LayerShape shape = odd_shape(true);
        PhaseRows rows(shape, Dtype::Float32);
        int64_t largest = 0;
        for (const Phase phase :
             {Phase::Attention, Phase::Mlp, Phase::AttentionBackward, Phase::Head, Phase::Mlp}) {
            rows.take(phase, 33);
            largest = std::max(largest, dayrun::core::phase_bytes(shape, phase, 33, 4));
            QCOMPARE(ledger.held(MemoryPart::Working) - before, largest);
        }
    }

    void rotated_rows_are_those_of_the_forward() {
        PhaseRows rows(odd_shape(true), Dtype::Float32);
        const auto backward = rows.take(Phase::AttentionBackward, 5);
        QCOMPARE(rows.take(Phase::Attention, 5)[0].data, backward[0].data);
        PhaseRows plain(odd_shape(false), Dtype::Float32);
        QVERIFY(plain.take(Phase::AttentionBackward, 5)[0].empty());
        QVERIFY(!plain.take(Phase::AttentionBackward, 5)[1].empty());
    }
};

DAYRUN_TEST(TestPhaseRows)
#include "test_phase_rows.moc"
