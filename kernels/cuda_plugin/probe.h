// The plug-in's first door: which CUDA devices are here, and can they run our code? Plain C, so
// that the program can open the plug-in without linking it. Neighbour: core/device/cuda_probe.h,
// the only caller. Any thread, one at a time.
#pragma once

extern "C" {

inline constexpr int kDayrunCudaNameSize = 256;
inline constexpr int kDayrunCudaErrorSize = 256;
inline constexpr int kDayrunCudaPciSize = 32;

/// One device. A device that cannot be used has an error text, and zeros where nothing is known.
struct DayrunCudaDevice {
    char name[kDayrunCudaNameSize];
    int compute_major;  // compute capability 9.0 is major 9, minor 0
    int compute_minor;
    char pci_bus_id[kDayrunCudaPciSize];  // "00000000:01:00.0"
    long long total_bytes;
    long long free_bytes;
    char error[kDayrunCudaErrorSize];  // empty: a test kernel of this build ran and was right
};

struct DayrunCudaProbe {
    int driver_version;   // the newest CUDA the driver serves: 13000 is 13.0; 0 without a driver
    int runtime_version;  // of the runtime that the plug-in uses
    int device_count;
    char error[kDayrunCudaErrorSize];  // why there are no devices; empty when there are
};

/// Fills `probe` and the first `capacity` entries of `devices`. Returns how many entries it filled.
/// It makes a context on every device (some 300 MB of its memory each while the process lives), so
/// only `doctor` and a run that asked for a device call it.
using DayrunCudaProbeFunction = int (*)(DayrunCudaProbe* probe, DayrunCudaDevice* devices,
                                        int capacity);

/// The name under which the plug-in exports a DayrunCudaProbeFunction.
#define DAYRUN_CUDA_PROBE_SYMBOL "dayrun_cuda_probe"

}  // extern "C"
