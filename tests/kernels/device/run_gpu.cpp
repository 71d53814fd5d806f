// Runs the cases on CUDA device 0, each twice: the bits of both runs must be equal. Without a
// device it prints SKIP with the reason.
//     test_kernels_gpu [part of a case's name | -part to leave out]
#include <cstdio>

#include "tests/kernels/device/cases.h"
#include "tests/kernels/device/cuda_memory.h"
#include "tests/kernels/device/plugin_ops.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

class GpuMachine : public Machine {
  public:
    const DeviceOps& ops() const override { return m_ops; }

    std::shared_ptr<void> allocate(std::size_t bytes) override {
        std::shared_ptr<void> memory = device_memory(bytes);
        if (memory == nullptr) throw std::runtime_error("the device is out of memory");
        // What nobody writes must not look like a result.
        require(cudaMemset(memory.get(), 0xFF, bytes), "cudaMemset");
        return memory;
    }
    std::shared_ptr<void> reserve(std::size_t bytes) override { return device_memory(bytes); }

    void copy_in(void* to, const void* from, std::size_t bytes) override {
        require(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copy to the device");
    }
    void copy_out(void* to, const void* from, std::size_t bytes) override {
        require(cudaDeviceSynchronize(), "kernel");
        require(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "copy from the device");
    }
    void run_only(const std::vector<int64_t>&) override {}

  private:
    DeviceOps m_ops = plugin_ops();
};

}  // namespace

int main(int argc, char** argv) {
    const std::string reason = why_no_device();
    if (!reason.empty()) {
        std::printf("SKIP: no CUDA device: %s\n", reason.c_str());
        return kSkipped;
    }
    GpuMachine machine;
    return run_cases(machine, all_cases(), argc > 1 ? argv[1] : "", [](int) {}) == 0 ? 0 : 1;
}
