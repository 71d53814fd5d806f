// Packed attention on a device. bfloat16 with heads that libtorch's variable-length flash attention
// takes goes there: all documents in one launch, the window and grouped heads inside. Its backward
// is deterministic unless asked otherwise (the faster one adds with atomics). Other types and head
// sizes go document by document through plain products, which tests and small models need.
// libtorch takes its results and scratch from the run's arena (torch_memory.h).
// Neighbour: cuda_accelerator.h. Lives on the run thread.
#pragma once

#include "core/engine/attention.h"

namespace dayrun::engine {

class CudaAttention {
  public:
    CudaAttention(int device, bool deterministic)
        : m_device(device), m_deterministic(deterministic) {}

    void forward(const Matrix& out, const Matrix& logsumexp, const AttentionInput& input,
                 const AttentionShape& shape, const Documents& documents) const;
    void backward(const AttentionInput& gradient, const Matrix& dout, const AttentionInput& input,
                  const Matrix& out, const Matrix& logsumexp, const AttentionShape& shape,
                  const Documents& documents) const;

  private:
    int m_device;
    bool m_deterministic;
    mutable bool m_keeps_sums = true;  // libtorch's log-sums have the layout of ours
};

}  // namespace dayrun::engine
