// Starts a kernel body on every block of a grid. A <op>.cu is compiled twice: by nvcc, where
// launch() puts the body on a CUDA stream, and by the host's compiler, where it runs it through the
// emulator; so the launchers and their grids are tested without a GPU too.
// A body is a struct with kThreads (a multiple of 32), kSwitches (it has barriers, shuffles or
// votes), Shared (its shared memory; Nothing for none) and operator()(Block&); kBlocks is optional.
// Neighbours: block.h, launchers.h. Any thread; on the host one at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/device/block.h"

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#endif

/// What a cudaStream_t points to.
struct CUstream_st;

namespace dayrun::kernels {

/// The same type as cudaStream_t; the emulator has no streams and ignores it.
using DeviceStream = CUstream_st*;

/// The Shared of a body that has none.
struct Nothing {};

template <class Body>
constexpr std::size_t shared_bytes() {
    return sizeof(typename Body::Shared) > 1 ? sizeof(typename Body::Shared) : 0;
}

#if defined(__CUDACC__)

using DeviceStatus = cudaError_t;
constexpr DeviceStatus kDeviceSuccess = cudaSuccess;
constexpr DeviceStatus kDeviceInvalidValue = cudaErrorInvalidValue;

/// How many blocks a multiprocessor has to hold at one time: what a body asks for with kBlocks, so
/// that the compiler keeps to the registers that this leaves; else one.
template <class Body, class = void>
struct BlocksAtOnce {
    static constexpr int kValue = 1;
};
template <class Body>
struct BlocksAtOnce<Body, std::void_t<decltype(Body::kBlocks)>> {
    static constexpr int kValue = Body::kBlocks;
};

/// The body stays in the parameter space: tables of tensors travel in it (32,764 bytes at most).
template <class Body>
__global__ void __launch_bounds__(Body::kThreads, BlocksAtOnce<Body>::kValue)
    run_body(const __grid_constant__ Body body) {
    Block block;
    body(block);
}

template <class Body>
DeviceStatus launch(const Body& body, int64_t grid, DeviceStream stream) {
    static_assert(shared_bytes<Body>() <= 48 * 1024, "more needs an attribute of the kernel");
    if (grid == 0) return kDeviceSuccess;
    if (grid < 0 || grid > std::numeric_limits<int32_t>::max()) return kDeviceInvalidValue;
    run_body<<<static_cast<unsigned>(grid), Body::kThreads, shared_bytes<Body>(), stream>>>(body);
    return cudaGetLastError();
}

/// Memory of the module, the same for all launches on a device.
#define DAYRUN_DEVICE_STORAGE __device__
template <class T, int N>
DeviceStatus address_of_storage(T (&storage)[N], T** address) {
    return cudaGetSymbolAddress(reinterpret_cast<void**>(address), storage);
}

#else

/// The two of cudaError_t's values that launchers return.
enum DeviceStatus { kDeviceSuccess = 0, kDeviceInvalidValue = 1 };

template <class Body>
DeviceStatus launch(const Body& body, int64_t grid, DeviceStream) {
    if (grid == 0) return kDeviceSuccess;
    if (grid < 0 || grid > std::numeric_limits<int32_t>::max()) return kDeviceInvalidValue;
    EmulatedKernel kernel;
    kernel.run_thread = [](const void* that, Block& block) {
        (*static_cast<const Body*>(that))(block);
    };
    kernel.body = &body;
    kernel.threads = Body::kThreads;
    kernel.shared_bytes = shared_bytes<Body>();
    kernel.switches = Body::kSwitches;
    emulate(kernel, grid);
    return kDeviceSuccess;
}

#define DAYRUN_DEVICE_STORAGE
template <class T, int N>
DeviceStatus address_of_storage(T (&storage)[N], T** address) {
    *address = storage;
    return kDeviceSuccess;
}

#endif

/// Lengths inside a row are 32-bit in bodies; offsets of rows are 64-bit.
inline bool is_row_length(int64_t cols) {
    return cols >= 0 && cols < std::numeric_limits<int32_t>::max() - 4096;
}

/// ceil(count / size)
DAYRUN_HOST_DEVICE inline int64_t pieces(int64_t count, int64_t size) {
    return (count + size - 1) / size;
}

}  // namespace dayrun::kernels
