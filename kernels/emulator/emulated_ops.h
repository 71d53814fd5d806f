// The table of device_ops.h run by the emulator on host memory, so that tests take the device's
// path, launchers and kernel bodies included, without a GPU. Linked into tests only.
// A body's mistake that a device would not forgive throws std::logic_error.
// Neighbours: emulator.h, kernels/device/device_ops.cu. One thread of the process at a time.
#pragma once

#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

/// The stream of every launch is ignored; the work is done when the launcher returns.
DeviceOps emulated_device_ops();

}  // namespace dayrun::kernels
