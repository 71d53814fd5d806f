// Matrix products by cuBLASLt. The algorithm of a product depends on its shape, strides, types and
// alignment alone and the workspace never changes, so the same product has the same bits in every
// activation plan and every run; algorithms that split a sum with atomics are never taken.
// bfloat16 or float32 in, float32 sums (no TF32), out in either; beta 1 adds inside the product.
// Neighbour: cuda_accelerator.h. Lives on the run thread.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <array>
#include <map>
#include <memory>

#include "core/engine/device/accelerator.h"

namespace dayrun::engine {

class CudaProducts {
  public:
    /// The workspace is taken from the arena and kept.
    explicit CudaProducts(Arena& arena);
    ~CudaProducts();
    CudaProducts(const CudaProducts&) = delete;
    CudaProducts& operator=(const CudaProducts&) = delete;

    void multiply(const Product& product, cudaStream_t stream);

  private:
    /// Everything that decides the algorithm, as numbers.
    using Key = std::array<int64_t, 14>;
    struct Plan;

    Plan& plan_of(const Product& product);

    cublasLtHandle_t m_handle = nullptr;
    Buffer m_workspace;
    std::map<Key, std::unique_ptr<Plan>> m_plans;
};

}  // namespace dayrun::engine
