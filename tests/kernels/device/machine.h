// Where the device kernels of a test run: in the emulator on host memory, or on a CUDA device. The
// cases see only this, so both run the same ones.
// Neighbours: cases.h, run_emulated.cpp, run_gpu.cpp. Test thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device/device_ops.h"

namespace dayrun::kernels::tests {

class Machine {
  public:
    virtual ~Machine() = default;

    virtual const DeviceOps& ops() const = 0;
    /// Exactly `bytes` long, so that a sanitizer sees the first byte beyond. Null: no room.
    virtual std::shared_ptr<void> allocate(std::size_t bytes) = 0;
    /// As allocate, without touching the memory: for tensors of many GiB.
    virtual std::shared_ptr<void> reserve(std::size_t bytes) = 0;
    virtual void copy_in(void* to, const void* from, std::size_t bytes) = 0;
    /// Waits for the kernels first; throws std::runtime_error with the device's own words.
    virtual void copy_out(void* to, const void* from, std::size_t bytes) = 0;
    /// Only these blocks of the coming launches need to run (empty: all). A device runs all.
    virtual void run_only(const std::vector<int64_t>& blocks) = 0;
};

}  // namespace dayrun::kernels::tests
