// The fast CPU version of grad_norm.h: one partial sum per fixed chunk, added in order.
#include "kernels/grad_norm/grad_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/common/chunks.h"
#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/grad_norm/grad_norm_rows.inc"
#include "kernels/common/simd_levels.inc"

namespace dayrun::kernels {
namespace {

constexpr int64_t kChunk = 65536;

}  // namespace

GradNorm grad_norm(const GradTensor* tensors, int64_t tensor_count) {
    std::vector<double> partial(static_cast<size_t>(chunk_count(tensors, tensor_count, kChunk)));
    const auto sum_of = DAYRUN_SIMD_CALL(sum_of_squares);
    parallel_for(static_cast<int64_t>(partial.size()), 1, [&](int64_t begin, int64_t end) {
        for_each_chunk(tensors, tensor_count, kChunk, begin, end,
                       [&](int64_t chunk, const GradTensor& tensor, int64_t offset, int64_t count) {
                           partial[static_cast<size_t>(chunk)] =
                               sum_of(tensor.grad + offset, count);
                       });
    });
    double total = 0.0;
    for (const double value : partial) total += value;
    return {std::sqrt(total), std::isfinite(total)};
}

float clip_coefficient(double norm, double max_norm) {
    if (max_norm <= 0.0) return 1.0f;
    return static_cast<float>(std::min(1.0, max_norm / (norm + 1e-6)));
}

}  // namespace dayrun::kernels
