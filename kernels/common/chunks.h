// Many tensors walked as one list of chunks, so that a handful of large and hundreds of small
// tensors keep all threads busy alike, and sums have a partition that the shapes alone fix.
// Neighbours: adamw, adamw8bit, grad_norm. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dayrun::kernels {

/// The number of chunks of `size` elements; every tensor starts a new one. Tensor has `count`.
template <class Tensor>
int64_t chunk_count(const Tensor* tensors, int64_t tensor_count, int64_t size) {
    int64_t chunks = 0;
    for (int64_t i = 0; i < tensor_count; ++i) chunks += (tensors[i].count + size - 1) / size;
    return chunks;
}

/// Calls body(chunk, tensor, offset, count) for the chunks [begin, end), in order.
template <class Tensor, class Body>
void for_each_chunk(const Tensor* tensors, int64_t tensor_count, int64_t size, int64_t begin,
                    int64_t end, Body&& body) {
    int64_t first = 0;
    for (int64_t i = 0; i < tensor_count && first < end; ++i) {
        const int64_t chunks = (tensors[i].count + size - 1) / size;
        const int64_t from = std::max(begin, first);
        const int64_t to = std::min(end, first + chunks);
        for (int64_t chunk = from; chunk < to; ++chunk) {
            const int64_t offset = (chunk - first) * size;
            body(chunk, tensors[i], offset, std::min(size, tensors[i].count - offset));
        }
        first += chunks;
    }
}

}  // namespace dayrun::kernels
