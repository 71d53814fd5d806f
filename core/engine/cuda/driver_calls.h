// The few calls of the driver itself that the runtime does not offer, found through the runtime, so
// that the plug-in is not linked to a driver that most build machines lack.
// Neighbour: cuda_arena.cpp. Any thread.
#pragma once

#include <cuda.h>

namespace dayrun::engine {

struct DriverCalls {
    decltype(&cuMemAddressReserve) address_reserve = nullptr;
    decltype(&cuMemAddressFree) address_free = nullptr;
    decltype(&cuMemCreate) create = nullptr;
    decltype(&cuMemRelease) release = nullptr;
    decltype(&cuMemMap) map = nullptr;
    decltype(&cuMemUnmap) unmap = nullptr;
    decltype(&cuMemSetAccess) set_access = nullptr;
};

/// Looked up once. Throws DeviceFailure when the driver has no such call.
const DriverCalls& driver_calls();

}  // namespace dayrun::engine
