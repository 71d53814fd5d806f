// Body of merge_rows.h: the delta of a few rows at a time, so that A is read once for all of them
// from the cache.
#include "core/export/merge_rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace dayrun::core {
namespace {

constexpr int64_t kColumns = 2048;  // 8 KiB of each row: one block of delta stays in the L1 cache

// The sanitizers' runtime is not there yet when the program chooses among the clones.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DAYRUN_MERGE_CLONES \
    __attribute__((optimize("O3"), target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DAYRUN_MERGE_CLONES
#endif

/// delta[0..count) += b * a[0..count)
DAYRUN_MERGE_CLONES
void add_scaled(float* __restrict delta, const float* __restrict a, float b, int64_t count) {
    for (int64_t i = 0; i < count; ++i) delta[i] += b * a[i];
}

/// Scales a row to the length `magnitude`; the length is summed in double, as it has one rounding.
void rescale(std::span<float> row, float magnitude) {
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * value;
    const float factor = magnitude / static_cast<float>(std::sqrt(squares));
    for (float& value : row) value *= factor;
}

}  // namespace

void merge_rows(std::span<float> w, const MergeFactors& factors, int64_t begin, int64_t end) {
    const int64_t in = factors.in_features;
    const int64_t rank = factors.rank;
    std::vector<float> delta(static_cast<size_t>(std::min(kColumns, in)));
    for (int64_t first = 0; first < in; first += kColumns) {
        const int64_t count = std::min(kColumns, in - first);
        for (int64_t row = begin; row < end; ++row) {
            std::fill(delta.begin(), delta.end(), 0.0f);
            for (int64_t r = 0; r < rank; ++r) {
                add_scaled(delta.data(), factors.a.data() + r * in + first,
                           factors.b[static_cast<size_t>(row * rank + r)], count);
            }
            add_scaled(w.data() + row * in + first, delta.data(), factors.scaling, count);
        }
    }
    if (factors.magnitude.empty()) return;
    for (int64_t row = begin; row < end; ++row) {
        rescale(w.subspan(static_cast<size_t>(row * in), static_cast<size_t>(in)),
                factors.magnitude[static_cast<size_t>(row)]);
    }
}

}  // namespace dayrun::core
