// Working memory of a thread: kept, grown, aligned, and usable after memory ran out.
#include <QTest>
#include <cstdint>
#include <new>

#include "kernels/common/thread_memory.h"
#include "tests/support/test_registry.h"

using dayrun::kernels::ThreadMemory;

class TestThreadMemory : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void it_is_kept_and_grows() {
        ThreadMemory<float> memory;
        float* const first = memory.take(100);
        QCOMPARE(reinterpret_cast<uintptr_t>(first) % 64, uintptr_t{0});
        first[99] = 3.0F;
        QCOMPARE(memory.take(50), first);
        QCOMPARE(memory.take(100)[99], 3.0F);
        memory.take(100000)[99999] = 1.0F;
    }

    void it_serves_again_after_memory_ran_out() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        QSKIP("sanitizers end the program at such a request");
#endif
        ThreadMemory<float> memory;
        memory.take(100);
        QVERIFY_EXCEPTION_THROWN(memory.take(int64_t{1} << 60), std::bad_alloc);
        float* const again = memory.take(100);
        QVERIFY(again != nullptr);
        again[99] = 1.0F;
    }
};

DAYRUN_TEST(TestThreadMemory)
#include "test_thread_memory.moc"
