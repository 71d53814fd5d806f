// THE list of operations that a device other than the CPU has. The table of launchers
// (device_ops.h), its filling (device_ops.cu) and the launchers' declarations are made from it, so
// a new operation is one row here. Neighbour: launch.h, what the launchers themselves call.
#pragma once

/// OP(name, Params): `name` is that of the public function, and launch_<name>(params, stream) in
/// the operation's .cu its launcher.
#define DAYRUN_DEVICE_OPS(OP)                        \
    OP(embedding_forward, EmbeddingForward)          \
    OP(embedding_backward, EmbeddingBackward)        \
    OP(gather_rows, GatherRows)                      \
    OP(rms_norm_forward, RmsNormForward)             \
    OP(rms_norm_backward, RmsNormBackward)           \
    OP(rope_forward, Rope)                           \
    OP(rope_backward, Rope)                          \
    OP(swiglu_forward, SwigluForward)                \
    OP(swiglu_backward, SwigluBackward)              \
    OP(bias_fill, BiasFill)                          \
    OP(bias_backward, BiasBackward)                  \
    OP(cross_entropy_forward, CrossEntropy)          \
    OP(cross_entropy_forward_backward, CrossEntropy) \
    OP(dropout_apply, Dropout)                       \
    OP(neftune_add, Neftune)                         \
    OP(nf4_dequantize, Nf4Dequantize)                \
    OP(nf4_quantize, Nf4QuantizeInto)                \
    OP(nf4_nested_quantize, Nf4NestedQuantize)       \
    OP(blockwise8_quantize, Blockwise8Quantize)      \
    OP(few_rows_product, FewRowsProduct)             \
    OP(convert_rows, ConvertRows)                    \
    OP(dora_norms, DoraNorms)                        \
    OP(dora_forward, DoraForward)                    \
    OP(dora_scale, DoraScale)                        \
    OP(dora_magnitude, DoraMagnitude)                \
    OP(decode_attention, DecodeAttention)            \
    OP(add_losses, AddLosses)                        \
    OP(close_step, CloseStep)                        \
    OP(adamw_step, AdamwUpdate)                      \
    OP(adamw8bit_step, Adamw8bitUpdate)

namespace dayrun::kernels {

// A launcher takes its parameters by reference, so the list needs no operation's header.
#define DAYRUN_DECLARE_PARAMS(name, Params) struct Params;
DAYRUN_DEVICE_OPS(DAYRUN_DECLARE_PARAMS)
#undef DAYRUN_DECLARE_PARAMS

}  // namespace dayrun::kernels
