// An NF4 weight as bitsandbytes stores it in safetensors: packed codes under the weight's own name
// and their constants beside it (WEIGHT.absmax, .quant_map, .nested_absmax, .nested_quant_map and
// .quant_state.bitsandbytes__nf4, a small JSON text). Reads such tensors where they are mapped.
// Neighbours: nf4_writer.h, kernels/nf4. Reading is thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/safetensors.h"
#include "kernels/nf4/nf4.h"

namespace dayrun::core {

/// How weights are quantized.
struct Nf4Options {
    int64_t block_size = kernels::kNf4BlockSize;  // a power of two from 32 to 4096
    bool double_quant = true;                     // the constants too
};

/// Refuses a block size that the format does not have.
Result<void> check_nf4_options(const Nf4Options& options);

/// "model.layers.0.mlp.up_proj.weight" -> the names of what belongs to it.
struct Nf4Names {
    explicit Nf4Names(std::string_view weight);
    std::string codes, absmax, quant_map, nested_absmax, nested_quant_map, state;
};

/// What the state's JSON says.
struct Nf4State {
    std::vector<int64_t> shape;                // [out, in]
    TensorDtype dtype = TensorDtype::Float32;  // of the weight before it was quantized
    int64_t block_size = kernels::kNf4BlockSize;
    bool is_nested = false;
    int64_t nested_block_size = kernels::kNf4NestedBlockSize;
    float nested_offset = 0;
};
std::string to_json(const Nf4State& state);

/// A quantized weight over the mapped file; valid as long as the file and this object.
struct Nf4Tensor {
    kernels::Nf4Weight weight;
    Nf4State state;
    int64_t bytes = 0;                         // codes and constants
    std::deque<std::vector<float>> realigned;  // constants that the file holds off their alignment
};

/// Null when there is no such tensor.
using FindTensor = std::function<const TensorView*(std::string_view)>;

/// Whether a weight is stored in NF4.
bool is_nf4_tensor(const FindTensor& find, std::string_view weight);
/// BadModel names the tensor that is missing, ill-shaped or of another code book.
Result<Nf4Tensor> read_nf4_tensor(const FindTensor& find, std::string_view weight,
                                  const std::vector<int64_t>& shape);

/// The whole weight as float32, in `out` of shape[0] * shape[1] elements.
void dequantize(const Nf4Tensor& tensor, std::span<float> out);

}  // namespace dayrun::core
