// Quantizes weights to NF4 into a file with bitsandbytes' names, tensor by tensor: whatever the
// model's size, memory holds one weight and its codes. A weight is quantized twice, once for its
// constants and once for its codes, because the file's order has the constants of all first.
// Neighbours: nf4_tensors.h (names), nf4_cache.h, core/export. Any thread; blocks it.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"
#include "core/quantize/nf4_tensors.h"

namespace dayrun::core {

struct Nf4WriteRequest {
    const CheckpointFiles& files;
    std::vector<WeightInfo> quantized;    // become NF4; F32, BF16 or F16 in the files
    std::vector<std::string> plain = {};  // copied as they are
    Nf4Options options = {};
    std::stop_token stop = {};
    std::function<void(int64_t done_bytes, int64_t total_bytes)> on_progress = {};
};

/// Atomic. NotFinite names the weight that holds an infinity or NaN.
Result<void> write_nf4(const std::filesystem::path& path, const Nf4WriteRequest& request);

/// The linear modules' weights: what NF4 quantizes. Embedding, head and norms stay as they are.
std::vector<WeightInfo> linear_weights(const WeightMap& map);

}  // namespace dayrun::core
