// What a kernel body sees of the thread it runs as: on a device the CUDA built-ins, on the host
// the emulator, under the same name `Block`. Bodies (<op>_body.h) are C++17 and written once.
// Neighbours: launch.h, emulator.h.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/common/dtype.h"

#if defined(__CUDACC__)

#define DAYRUN_DEVICE __device__ __forceinline__
#define DAYRUN_UNROLL _Pragma("unroll")

namespace dayrun::kernels {

class Block {
  public:
    DAYRUN_DEVICE int thread() const { return static_cast<int>(threadIdx.x); }
    DAYRUN_DEVICE int64_t index() const { return blockIdx.x; }
    DAYRUN_DEVICE int64_t count() const { return gridDim.x; }

    DAYRUN_DEVICE void barrier() const { __syncthreads(); }
    /// All 32 lanes of a warp take part in a shuffle or vote.
    template <class T>
    DAYRUN_DEVICE T shuffle_xor(T value, int mask) const {
        return __shfl_xor_sync(0xffffffffu, value, mask);
    }
    template <class T>
    DAYRUN_DEVICE T shuffle(T value, int lane) const {
        return __shfl_sync(0xffffffffu, value, lane);
    }
    DAYRUN_DEVICE uint32_t ballot(bool vote) const { return __ballot_sync(0xffffffffu, vote); }

    template <class Shared>
    DAYRUN_DEVICE Shared& shared() const {
        extern __shared__ __align__(16) unsigned char s_bytes[];
        return *reinterpret_cast<Shared*>(s_bytes);
    }
};

}  // namespace dayrun::kernels

#else

#include "kernels/emulator/emulator.h"

#define DAYRUN_DEVICE inline
#define DAYRUN_UNROLL

#endif
