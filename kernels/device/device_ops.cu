// Fills the table of device_ops.h: in the plug-in with what puts work on a stream, in the emulated
// library with what runs it on the CPU (launch.h).
#if defined(__CUDACC__)
#include "kernels/cuda_plugin/cuda_ops.h"
#else
#include "kernels/emulator/emulated_ops.h"
#endif
#include "kernels/device/launch.h"

namespace dayrun::kernels {

#define DAYRUN_DECLARE_LAUNCHER(name, Params) \
    DeviceStatus launch_##name(const Params& params, DeviceStream stream);
DAYRUN_DEVICE_OPS(DAYRUN_DECLARE_LAUNCHER)
#undef DAYRUN_DECLARE_LAUNCHER

namespace {

// ---- launchers -----------------------------------------------------------------------------

template <class Params, DeviceStatus (*kLaunch)(const Params&, DeviceStream)>
int call(const Params& params, CUstream_st* stream) {
    return static_cast<int>(kLaunch(params, stream));
}

DeviceOps make_ops() {
    DeviceOps ops;
#define DAYRUN_FILL_OP(name, Params) ops.name = &call<Params, &launch_##name>;
    DAYRUN_DEVICE_OPS(DAYRUN_FILL_OP)
#undef DAYRUN_FILL_OP
    return ops;
}

}  // namespace

#if !defined(__CUDACC__)
DeviceOps emulated_device_ops() {
    return make_ops();
}
#endif

}  // namespace dayrun::kernels

#if defined(__CUDACC__)
extern "C" __attribute__((visibility("default"))) void dayrun_cuda_ops(
    dayrun::kernels::DeviceOps* ops) {
    *ops = dayrun::kernels::make_ops();
}
#endif
