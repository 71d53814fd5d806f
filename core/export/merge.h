// An adapter folded into its base: W' = W + scaling * B A (facts: PEFT's merge), written as a model
// folder of its own, always in 16 or 32 bits. An adapter that was trained over NF4 weights saw them
// dequantized, so W may be either the original weights or the dequantized ones. Neighbours:
// core/model/adapter_files.h, model_files.h. Any thread; blocks it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>

#include "core/base/result.h"
#include "core/model/safetensors.h"
#include "core/quantize/nf4_tensors.h"

namespace dayrun::core {

struct MergeRequest {
    std::filesystem::path base = {};     // a model folder
    std::filesystem::path adapter = {};  // a PEFT adapter folder
    std::filesystem::path out = {};      // made when missing
    // How the merged weights are stored; empty = as the base's file has each tensor.
    std::optional<TensorDtype> dtype = {};
    // Set: W is dequant(NF4 of the base's weights), what an adapter over NF4 was trained on. A
    // 4-bit checkpoint has dequantized weights only.
    std::optional<Nf4Options> dequantized = {};
    // Merges although the adapter says that it was trained on another base.
    bool takes_any_base = false;
    std::stop_token stop = {};
    std::function<void(int64_t done_bytes, int64_t total_bytes)> on_progress = {};
};

struct MergeReport {
    int64_t merged_modules = 0;
    int64_t bytes = 0;            // of the weights written
    bool is_dequantized = false;  // which weights it was merged into
    bool is_base_known = false;   // the adapter says what it was trained on
};

/// Writes OUT/model.safetensors, config.json (the base's, with its dtype set), the tokenizer and
/// generation files. LoRA, rsLoRA and DoRA; sums in float32, rounded once. Memory: one tensor.
/// NotFinite names the tensor when a merged value is not finite, BadModel how the base differs from
/// the one that the adapter was trained on. Nothing is written half.
Result<MergeReport> merge_adapter(const MergeRequest& request);

}  // namespace dayrun::core
