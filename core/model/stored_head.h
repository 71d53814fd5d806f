// Whether a model has a head of its own: config.json says so, and the weights have the last word,
// as in transformers 5. Decided here only; read_model_config asks, so that training, generation,
// plan and export cannot disagree. Any thread; reads pages of the two tensors.
#pragma once

#include <filesystem>

#include "core/base/result.h"
#include "core/model/model_config.h"
#include "core/model/safetensors.h"

namespace dayrun::core {

/// Unties a head that config.json ties to the embedding while the weights hold another one, and
/// tells it in config.notes; one that equals the embedding bit by bit stays tied. BadModel when the
/// stored head has another shape, Unsupported when it is quantized.
Result<void> settle_head(const std::filesystem::path& folder, const CheckpointFiles& files,
                         ModelConfig& config);

}  // namespace dayrun::core
