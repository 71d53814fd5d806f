// Trained parameters to and from files: an adapter in PEFT's layout, a whole model in the Hugging
// Face layout, and the state from which a run goes on. Folders appear whole or not at all.
// Neighbours: parameters.h, optimizer/optimizer.h, core/model. Lives on the run thread; torch-free.
#pragma once

#include <filesystem>

#include "core/base/result.h"
#include "core/engine/model/base_model.h"
#include "core/engine/model/parameters.h"
#include "core/engine/optimizer/optimizer.h"
#include "core/model/adapter_config.h"
#include "core/model/base_fingerprint.h"

namespace dayrun::engine {

/// adapter_config.json and adapter_model.safetensors, in float32 or rounded to bfloat16; the latter
/// carries `trained_on`, what the base is.
core::Result<void> save_adapter_folder(const std::filesystem::path& folder,
                                       const core::AdapterConfig& config,
                                       const ParameterSet& parameters, Dtype stored,
                                       const core::BaseFingerprint& trained_on);

/// model.safetensors, the base's config.json with its dtype set and the tie of its head as the base
/// was opened, and copies of its tokenizer files.
core::Result<void> save_model_folder(const std::filesystem::path& folder, const BaseModel& base,
                                     const ParameterSet& parameters, Dtype stored);

/// trainer_state.safetensors in an existing or new folder: masters, optimizer states, step count.
core::Result<void> save_trainer_state(const std::filesystem::path& folder,
                                      const ParameterSet& parameters, Optimizer& optimizer);
/// The same back; BadModel when it belongs to another run's shapes.
core::Result<void> load_trainer_state(const std::filesystem::path& folder, ParameterSet& parameters,
                                      Optimizer& optimizer);

/// Gradients as float32 tensors under the names that the parameters have in PEFT.
core::Result<void> save_gradients(const std::filesystem::path& file,
                                  const ParameterSet& parameters);

}  // namespace dayrun::engine
