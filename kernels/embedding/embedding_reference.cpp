// Plain loops: the definition of right for embedding.h.
#include <limits>
#include <vector>

#include "kernels/embedding/embedding.h"

namespace dayrun::kernels {
namespace {

template <class T, class W>
void gather(const EmbeddingForward& p) {
    const int64_t stride = p.out_stride != 0 ? p.out_stride : p.cols;
    for (int64_t t = 0; t < p.tokens; ++t) {
        const int64_t id = p.token_ids[t];
        for (int64_t i = 0; i < p.cols; ++i) {
            const bool known = id >= 0 && id < p.vocab;
            const float value = known ? to_float(static_cast<const W*>(p.table)[id * p.cols + i])
                                      : std::numeric_limits<float>::quiet_NaN();
            static_cast<T*>(p.out)[t * stride + i] = round_to<T>(value);
        }
    }
}

template <class T>
void scatter(const EmbeddingBackward& p) {
    const int64_t stride = p.dout_stride != 0 ? p.dout_stride : p.cols;
    std::vector<double> sums(p.dtable, p.dtable + p.vocab * p.cols);
    for (int64_t t = 0; t < p.tokens; ++t) {
        const int64_t id = p.token_ids[t];
        if (id < 0 || id >= p.vocab) continue;
        for (int64_t i = 0; i < p.cols; ++i) {
            sums[static_cast<size_t>(id * p.cols + i)] +=
                to_float(static_cast<const T*>(p.dout)[t * stride + i]);
        }
    }
    for (size_t i = 0; i < sums.size(); ++i) p.dtable[i] = static_cast<float>(sums[i]);
}

}  // namespace

void embedding_reference_forward(const EmbeddingForward& params) {
    with_dtype(params.dtype, [&](auto element) {
        with_dtype(params.table_dtype,
                   [&](auto table) { gather<decltype(element), decltype(table)>(params); });
    });
}

void embedding_reference_backward(const EmbeddingBackward& params) {
    with_dtype(params.dtype, [&](auto element) { scatter<decltype(element)>(params); });
}

}  // namespace dayrun::kernels
