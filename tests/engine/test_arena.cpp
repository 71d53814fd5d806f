// Blocks and their counting: alignment, peaks, the limit, and what belongs to which arena.
#include <QTest>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/engine/buffer.h"
#include "core/engine/device/open_torch.h"
#include "core/engine/memory/arena.h"
#include "tests/support/test_registry.h"

using namespace dayrun::engine;

namespace {

/// An arena over ordinary memory that remembers what it gave out.
class RecordingArena : public Arena {
  public:
    void fill_zero(void* data, int64_t bytes) override {
        std::memset(data, 0, static_cast<size_t>(bytes));
    }
    void copy_from_host(void*, const void*, int64_t) override {}
    void copy_to_host(void*, const void*, int64_t) override {}
    bool is_host() const override { return false; }
    std::string_view name() const override { return "recording"; }
    int taken = 0, returned = 0;

  private:
    void* take(int64_t bytes) override {
        ++taken;
        return std::aligned_alloc(static_cast<size_t>(kBlockAlignment), static_cast<size_t>(bytes));
    }
    void give_back(void* data, int64_t) noexcept override {
        ++returned;
        std::free(data);
    }
};

bool is_aligned(const void* data, int64_t alignment) {
    return reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(alignment) == 0;
}

}  // namespace

class TestArena : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void blocks_are_aligned_counted_and_returned_data() {
        QTest::addColumn<qlonglong>("bytes");
        for (const qlonglong bytes :
             {1LL, 64LL, 65LL, 1048575LL, 1048577LL, 3000001LL, 8388608LL, 8388673LL, 20000003LL}) {
            QTest::addRow("%lld bytes", bytes) << bytes;
        }
    }
    void blocks_are_aligned_counted_and_returned() {
        QFETCH(qlonglong, bytes);
        MemoryLedger& ledger = host_arena().ledger();
        const int64_t before = ledger.held(MemoryPart::Cache);
        {
            Buffer block(bytes, MemoryPart::Cache);
            QVERIFY(is_aligned(block.data(), bytes >= (8 << 20) ? 2 << 20 : 64));
            QCOMPARE(ledger.held(MemoryPart::Cache) - before, counted_bytes(bytes));
            auto* const values = static_cast<unsigned char*>(block.data());
            values[0] = values[bytes - 1] = 7;  // both ends belong to it
            block.fill_zero();
            QVERIFY(values[0] == 0 && values[bytes - 1] == 0);
            Buffer moved = std::move(block);
            QCOMPARE(ledger.held(MemoryPart::Cache) - before, counted_bytes(bytes));
        }
        QCOMPARE(ledger.held(MemoryPart::Cache), before);
    }

    void peaks_start_anew() {
        MemoryLedger ledger;
        ledger.add(MemoryPart::Logits, 100);
        ledger.add(MemoryPart::Working, 10);
        ledger.remove(MemoryPart::Logits, 60);
        QCOMPARE(ledger.peak(MemoryPart::Logits), int64_t{100});
        QCOMPARE(ledger.total_peak(), int64_t{110});
        ledger.reset_peaks();
        QCOMPARE(ledger.peak(MemoryPart::Logits), int64_t{40});
        QCOMPARE(ledger.total_peak(), int64_t{50});
    }

    void a_limit_refuses_before_it_takes() {
        RecordingArena arena;
        arena.ledger().set_limit(1000);
        const Buffer first(640, MemoryPart::Working, arena);
        bool refused = false;
        try {
            const Buffer second(512, MemoryPart::Working, arena);
        } catch (const OverBudget& over) {
            refused = over.needed_bytes == 640 + 512 && over.limit_bytes == 1000;
        }
        QVERIFY(refused);
        QCOMPARE(arena.taken, 1);
        QCOMPARE(arena.ledger().total_held(), int64_t{640});
    }

    void a_scope_decides_where_blocks_lie() {
        RecordingArena arena;
        RowBuffer rows;
        {
            const ArenaScope scope(arena);
            rows = RowBuffer(4, dayrun::kernels::Dtype::Float32, MemoryPart::Working);
            rows.rows(10);
            rows.rows(5);  // fits
            rows.rows(20);
            QCOMPARE(arena.taken, 2);
            QCOMPARE(arena.returned, 1);
            QCOMPARE(arena.ledger().peak(MemoryPart::Working), int64_t{320});
        }
        QCOMPARE(&current_arena(), &host_arena());
        rows = RowBuffer();
        QCOMPARE(arena.returned, 2);
        QCOMPARE(arena.ledger().total_held(), int64_t{0});
    }

    void mapped_bytes_are_counted_while_they_are_used() {
        RecordingArena arena;
        {
            CountedBytes one(5000, MemoryPart::Weights, arena);
            const CountedBytes other = std::move(one);
            QCOMPARE(arena.ledger().held(MemoryPart::Weights), int64_t{5000});
        }
        QCOMPARE(arena.ledger().held(MemoryPart::Weights), int64_t{0});
    }

    void libtorch_is_counted_too() {
        QVERIFY(open_torch().ok());
        QVERIFY(open_torch().ok());  // a second engine changes nothing
        const int64_t before = host_arena().ledger().held(MemoryPart::Libtorch);
        void* const block = torch().allocate(1 << 20);
        QVERIFY(is_aligned(block, kBlockAlignment));
        QVERIFY(host_arena().ledger().held(MemoryPart::Libtorch) - before >= 1 << 20);
        torch().release(block);
        QCOMPARE(host_arena().ledger().held(MemoryPart::Libtorch), before);
    }
};

DAYRUN_TEST(TestArena)
#include "test_arena.moc"
