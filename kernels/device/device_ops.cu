// Fills the table of device_ops.h: in the plug-in with what puts work on a stream, in the emulated
// library with what runs it on the CPU (launch.h). An op without a body stays null.
#if defined(__CUDACC__)
#include "kernels/cuda_plugin/cuda_ops.h"
#else
#include "kernels/emulator/emulated_ops.h"
#endif
#include "kernels/device/launch.h"

namespace dayrun::kernels {
namespace {

// ---- launchers -----------------------------------------------------------------------------

template <class Params, DeviceStatus (*kLaunch)(const Params&, DeviceStream)>
int call(const Params& params, CUstream_st* stream) {
    return static_cast<int>(kLaunch(params, stream));
}

template <class Tensor,
          DeviceStatus (*kLaunch)(const Tensor*, int64_t, const AdamwStep&, DeviceStream)>
int call_optimizer(const Tensor* tensors, int64_t tensor_count, const AdamwStep& step,
                   CUstream_st* stream) {
    return static_cast<int>(kLaunch(tensors, tensor_count, step, stream));
}

DeviceOps make_ops() {
    DeviceOps ops;
#define DAYRUN_FILL_OP(name, Params) ops.name = &call<Params, &launch_##name>;
    DAYRUN_LAUNCHED_OPS(DAYRUN_FILL_OP)
#undef DAYRUN_FILL_OP
    ops.adamw_step = &call_optimizer<AdamwTensor, &launch_adamw_step>;
    ops.adamw8bit_step = &call_optimizer<Adamw8bitTensor, &launch_adamw8bit_step>;
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
