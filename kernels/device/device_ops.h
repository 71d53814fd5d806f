// The operations of a device other than the CPU, as one table of launchers. Every public operation
// of this room (kernels::rms_norm_forward and so on) runs on the CPU unless the calling thread has
// chosen a device; then the same call with the same parameters, whose pointers are now addresses
// of that device, is put into the device's queue. So the code above has one source for all devices.
// A launcher returns 0 or the device's error code; the first one is kept in the queue, because a
// device works behind its caller and there is no place in the maths to handle it.
// Neighbours: core/engine/device/accelerator.h chooses the queue; <op>.cu are the launchers.
#pragma once

#include <cstdint>

#include "kernels/adamw/adamw.h"
#include "kernels/adamw8bit/adamw8bit.h"
#include "kernels/bias/bias.h"
#include "kernels/blockwise8/blockwise8.h"
#include "kernels/convert/convert.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/decode_attention/decode_attention.h"
#include "kernels/dora/dora.h"
#include "kernels/dropout/dropout.h"
#include "kernels/embedding/embedding.h"
#include "kernels/few_rows/few_rows.h"
#include "kernels/gather_rows/gather_rows.h"
#include "kernels/neftune/neftune.h"
#include "kernels/nf4/nf4.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/step_gate/step_gate.h"
#include "kernels/swiglu/swiglu.h"

/// What a cudaStream_t points to.
struct CUstream_st;

namespace dayrun::kernels {

/// A launcher: puts the operation into `stream` (a cudaStream_t; null on an emulated device) and
/// returns at once. 0, or the device's error code (a cudaError_t).
template <class Params>
using Launcher = int (*)(const Params& params, CUstream_st* stream);

/// One launcher an operation; the names are those of the public functions. Arrays of tensors
/// (AdamwTensor, GradTensor, DecodeText) lie in host memory and hold device addresses: a launcher
/// has read them when it returns.
struct DeviceOps {
    Launcher<EmbeddingForward> embedding_forward = nullptr;
    Launcher<EmbeddingBackward> embedding_backward = nullptr;
    Launcher<GatherRows> gather_rows = nullptr;
    Launcher<RmsNormForward> rms_norm_forward = nullptr;
    Launcher<RmsNormBackward> rms_norm_backward = nullptr;
    Launcher<Rope> rope_forward = nullptr;
    Launcher<Rope> rope_backward = nullptr;
    Launcher<SwigluForward> swiglu_forward = nullptr;
    Launcher<SwigluBackward> swiglu_backward = nullptr;
    Launcher<BiasFill> bias_fill = nullptr;
    Launcher<BiasBackward> bias_backward = nullptr;
    Launcher<CrossEntropy> cross_entropy_forward = nullptr;
    Launcher<CrossEntropy> cross_entropy_forward_backward = nullptr;
    Launcher<Dropout> dropout_apply = nullptr;
    Launcher<Neftune> neftune_add = nullptr;
    Launcher<Nf4Dequantize> nf4_dequantize = nullptr;
    Launcher<Nf4QuantizeInto> nf4_quantize = nullptr;
    Launcher<Nf4NestedQuantize> nf4_nested_quantize = nullptr;
    Launcher<Blockwise8Quantize> blockwise8_quantize = nullptr;
    Launcher<FewRowsProduct> few_rows_product = nullptr;
    Launcher<ConvertRows> convert_rows = nullptr;
    Launcher<DoraNorms> dora_norms = nullptr;
    Launcher<DoraForward> dora_forward = nullptr;
    Launcher<DoraScale> dora_scale = nullptr;
    Launcher<DoraMagnitude> dora_magnitude = nullptr;
    Launcher<DecodeAttention> decode_attention = nullptr;
    Launcher<AddLosses> add_losses = nullptr;
    Launcher<CloseStep> close_step = nullptr;
    int (*adamw_step)(const AdamwTensor* tensors, int64_t tensor_count, const AdamwStep& step,
                      CUstream_st* stream) = nullptr;
    int (*adamw8bit_step)(const Adamw8bitTensor* tensors, int64_t tensor_count,
                          const AdamwStep& step, CUstream_st* stream) = nullptr;
};

/// Where a thread's operations go.
struct DeviceQueue {
    DeviceOps ops;
    CUstream_st* stream = nullptr;
    int error = 0;  // the first code that was not 0

    /// Launches and keeps the first error. An operation without a launcher is an error as well.
    template <class Function, class... Arguments>
    void launch(Function function, const Arguments&... arguments) {
        const int code = function != nullptr ? function(arguments..., stream) : kNoLauncher;
        if (error == 0) error = code;
    }
    /// Not a code of CUDA: the device has no such operation.
    static constexpr int kNoLauncher = -1;
};

/// Sets the queue of the calling thread; null is the CPU. The queue must outlive its use.
void set_device_queue(DeviceQueue* queue);
DeviceQueue* device_queue();

}  // namespace dayrun::kernels
