// A list of tensors that travels inside a kernel's parameters, so that one launch serves hundreds
// of tensors without a copy to the device. They are walked as one list of chunks (chunks.h); a
// block finds its tensor by bisection. Longer lists take several launches. Neighbours: adamw,
// adamw8bit, step_gate. Device code, and emulated on the host.
#pragma once

#include <algorithm>

#include "kernels/device/launch.h"

namespace dayrun::kernels {

/// What CUDA allows for all parameters of a kernel on chips of compute capability 7.0 and later.
constexpr std::size_t kParameterBytes = 32764;

/// The part of a tensor that a chunk is.
template <class Tensor>
struct TensorChunk {
    const Tensor& tensor;
    int64_t offset;
    int64_t count;
};

template <class Tensor, int kMost, int64_t kChunk>
struct TensorBatch {
    Tensor tensors[kMost];
    int32_t first_chunk[kMost + 1];  // of the tensor; the last one is the number of chunks
    int32_t count;

    /// As many of the tensors as fit; returns how many it took. 0 with a count left: a tensor has
    /// more than 2^31 chunks.
    int64_t take(const Tensor* from, int64_t tensor_count) {
        count = 0;
        int64_t chunks = 0;
        first_chunk[0] = 0;
        while (count < kMost && count < tensor_count) {
            chunks += pieces(from[count].count, kChunk);
            if (chunks > std::numeric_limits<int32_t>::max()) break;
            tensors[count] = from[count];
            first_chunk[++count] = static_cast<int32_t>(chunks);
        }
        return count;
    }

    DAYRUN_HOST_DEVICE int64_t chunk_count() const { return first_chunk[count]; }

    DAYRUN_DEVICE TensorChunk<Tensor> chunk(int64_t index) const {
        int low = 0;
        int high = count;
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            if (first_chunk[middle] <= index) {
                low = middle;
            } else {
                high = middle;
            }
        }
        const int64_t offset = (index - first_chunk[low]) * kChunk;
        const int64_t left = tensors[low].count - offset;
        return {tensors[low], offset, left < kChunk ? left : kChunk};
    }
};

/// Launches `body`, whose member `batch` it fills, on all chunks of the tensors, in as few launches
/// as they need. after_launch(body) runs after each of them.
template <class Body, class Tensor, class AfterLaunch>
DeviceStatus launch_batches(Body& body, const Tensor* tensors, int64_t tensor_count,
                            DeviceStream stream, AfterLaunch&& after_launch) {
    static_assert(sizeof(Body) <= kParameterBytes, "shorten the batch");
    for (int64_t done = 0; done < tensor_count;) {
        const int64_t taken = body.batch.take(tensors + done, tensor_count - done);
        if (taken == 0) return kDeviceInvalidValue;
        const DeviceStatus status = launch(body, body.block_count(), stream);
        if (status != kDeviceSuccess) return status;
        after_launch(body);
        done += taken;
    }
    return kDeviceSuccess;
}

}  // namespace dayrun::kernels
