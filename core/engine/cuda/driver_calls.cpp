// Looking the driver's calls up. Neighbour: driver_calls.h.
#include "core/engine/cuda/driver_calls.h"

#include "core/engine/cuda/cuda_status.h"

namespace dayrun::engine {
namespace {

// Virtual memory management is of CUDA 10.2; asking for the calls of 11.3 keeps older drivers out.
constexpr unsigned kSince = 11030;

template <class Call>
void find(Call& call, const char* name) {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    check_cuda(cudaGetDriverEntryPointByVersion(name, &found, kSince, cudaEnableDefault, &result),
               name);
    if (result != cudaDriverEntryPointSuccess) {
        throw DeviceFailure{0, name, "the NVIDIA driver does not offer this call", false};
    }
    call = reinterpret_cast<Call>(found);
}

DriverCalls find_all() {
    DriverCalls calls;
    find(calls.address_reserve, "cuMemAddressReserve");
    find(calls.address_free, "cuMemAddressFree");
    find(calls.create, "cuMemCreate");
    find(calls.release, "cuMemRelease");
    find(calls.map, "cuMemMap");
    find(calls.unmap, "cuMemUnmap");
    find(calls.set_access, "cuMemSetAccess");
    return calls;
}

}  // namespace

const DriverCalls& driver_calls() {
    static const DriverCalls s_calls = find_all();
    return s_calls;
}

}  // namespace dayrun::engine
