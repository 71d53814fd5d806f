// What the kernel tests share: threads that cut work in awkward ways, and the fair comparison of
// house rule 3 over the buffers of buffer.h. Test thread only.
#pragma once

#include <QTest>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "kernels/common/dtype.h"
#include "kernels/common/parallel.h"
#include "kernels/common/simd.h"
#include "tests/kernels/buffer.h"

namespace dayrun::kernels::tests {

/// House rule 3: at most twice the error of the plain computation of the same type, against the
/// float64 truth. The floor of two float32 roundings is what the stored truth itself may miss.
#define DAYRUN_COMPARE_FAIR(fast, plain, truth)                                                  \
    do {                                                                                         \
        const double fast_error = largest_error(fast, truth);                                    \
        const double plain_error = largest_error(plain, truth);                                  \
        const double allowed = 2.0 * plain_error + 1.2e-7 * largest_size(truth);                 \
        QVERIFY2(                                                                                \
            fast_error <= allowed,                                                               \
            qPrintable(                                                                          \
                QString("%1: error %2, plain %3").arg(#fast).arg(fast_error).arg(plain_error))); \
    } while (false)

/// |a - b| <= tolerance * max |b|, element by element.
#define DAYRUN_COMPARE_CLOSE(value, truth, tolerance)            \
    do {                                                         \
        const double close_error = largest_error(value, truth);  \
        QVERIFY2(close_error <= (tolerance)*largest_size(truth), \
                 qPrintable(QString("%1: error %2 of %3")        \
                                .arg(#value)                     \
                                .arg(close_error)                \
                                .arg(largest_size(truth))));     \
    } while (false)

/// Cuts the work into `s_pieces` ranges on as many threads, the last range first.
inline int64_t s_pieces = 1;
inline void threaded_backend(int64_t count, int64_t, ParallelTask task, void* context) {
    std::vector<std::thread> threads;
    for (int64_t piece = s_pieces - 1; piece >= 0; --piece) {
        const int64_t begin = count * piece / s_pieces;
        const int64_t end = count * (piece + 1) / s_pieces;
        if (begin < end) threads.emplace_back(task, context, begin, end);
    }
    for (std::thread& thread : threads) thread.join();
}

/// Runs `work` serially, on 2, 3 and 7 threads, and checks that `result` has the same bits.
/// `work` must start from fresh inputs each time.
inline bool is_bit_equal_over_threads(const std::function<std::vector<Buffer>()>& work) {
    set_parallel_backend(nullptr);
    const std::vector<Buffer> expected = work();
    bool equal = true;
    set_parallel_backend(threaded_backend);
    for (const int64_t pieces : {1, 2, 3, 7}) {
        s_pieces = pieces;
        equal = equal && work() == expected;
    }
    set_parallel_backend(nullptr);
    return equal;
}

/// Adds one data row per dtype and instruction set: columns `dtype` and `level` (as int).
inline void add_dtype_rows() {
    QTest::addColumn<int>("dtype");
    QTest::addColumn<int>("level");
    for (int level = 0; level <= static_cast<int>(highest_simd_level()); ++level) {
        const char* name = simd_level_name(static_cast<SimdLevel>(level));
        QTest::addRow("float32 %s", name) << static_cast<int>(Dtype::Float32) << level;
        QTest::addRow("bfloat16 %s", name) << static_cast<int>(Dtype::BFloat16) << level;
    }
}

/// Reads the current data row and switches to its instruction set for the rest of the scope.
class RowSetup {
  public:
    RowSetup()
        : dtype(static_cast<Dtype>(*static_cast<int*>(QTest::qData("dtype", qMetaTypeId<int>())))) {
        set_simd_level(
            static_cast<SimdLevel>(*static_cast<int*>(QTest::qData("level", qMetaTypeId<int>()))));
    }
    ~RowSetup() { set_simd_level(highest_simd_level()); }
    const Dtype dtype;
};

}  // namespace dayrun::kernels::tests
