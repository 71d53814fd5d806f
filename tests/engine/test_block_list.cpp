// The offsets of a device's arena: aligned, never overlapping, joined again when they are free, and
// the same after 50 runs.
#include <QTest>
#include <map>
#include <vector>

#include "core/base/rng.h"
#include "core/engine/memory/block_list.h"
#include "tests/support/test_registry.h"

using dayrun::engine::BlockList;

class TestBlockList : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void takes_the_smallest_gap_that_fits() {
        BlockList blocks(256, 10 * 256);
        QCOMPARE(*blocks.take(256), int64_t{0});
        QCOMPARE(*blocks.take(700), int64_t{256});  // three steps
        QCOMPARE(*blocks.take(1), int64_t{4 * 256});
        QCOMPARE(*blocks.take(256), int64_t{5 * 256});
        blocks.give_back(256);
        blocks.give_back(4 * 256);  // joined with the gap before it: four steps
        QCOMPARE(*blocks.take(4 * 256), int64_t{256});
        blocks.give_back(0);
        QCOMPARE(*blocks.take(200), int64_t{0});
        QCOMPARE(blocks.top(), int64_t{6 * 256});
        QCOMPARE(blocks.largest(), int64_t{4 * 256});
        QVERIFY(!blocks.take(5 * 256));
        QVERIFY(blocks.take(4 * 256));
        QVERIFY(!blocks.take(1));
    }

    void gives_everything_back_fifty_times() {
        constexpr int64_t kStep = 256;
        BlockList blocks(kStep, int64_t{1} << 30);
        std::vector<int64_t> first_run;
        for (int run = 0; run < 50; ++run) {
            dayrun::core::Rng rng(7, "blocks");
            std::map<int64_t, int64_t> held;  // offset -> size
            std::vector<int64_t> offsets;
            for (int i = 0; i < 400; ++i) {
                if (!held.empty() && rng.uniform() < 0.4) {
                    auto one = held.begin();
                    std::advance(one, static_cast<int64_t>(rng.below(held.size())));
                    blocks.give_back(one->first);
                    held.erase(one);
                    continue;
                }
                const auto bytes = static_cast<int64_t>(1 + rng.below(1 << 20));
                const auto offset = blocks.take(bytes);
                QVERIFY(offset);
                QCOMPARE(*offset % kStep, int64_t{0});
                const auto next = held.lower_bound(*offset);
                QVERIFY(next == held.end() || *offset + bytes <= next->first);
                if (next != held.begin()) {
                    QVERIFY(std::prev(next)->first + std::prev(next)->second <= *offset);
                }
                held[*offset] = bytes;
                offsets.push_back(*offset);
            }
            for (const auto& [offset, bytes] : held) blocks.give_back(offset);
            QCOMPARE(blocks.held(), int64_t{0});
            QCOMPARE(blocks.top(), int64_t{0});
            if (run == 0) first_run = offsets;
            QVERIFY(offsets == first_run);
        }
    }
};

DAYRUN_TEST(TestBlockList)
#include "test_block_list.moc"
