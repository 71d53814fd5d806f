// From a recipe and an open base to weights, adapters and what is trained: the only place that
// knows which tensors a method touches. Neighbours: base_model.h, parameters.h, decoder/decoder.h.
// Lives on the run thread; torch-free.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/engine/decoder/decoder.h"
#include "core/engine/model/base_model.h"
#include "core/engine/model/parameters.h"
#include "core/model/adapter_config.h"

namespace dayrun::engine {

struct BuiltModel {
    DecoderWeights weights;
    std::unique_ptr<ParameterSet> parameters;
    core::AdapterConfig adapter;  // what save_adapter writes (not for method full)
    std::optional<core::BaseFingerprint> trained_on;  // of the adapter that it starts from
    std::vector<std::string> adapted_modules;         // in model order
};

/// The type of trained weights in files: float32 unless adapter.dtype says bfloat16.
Dtype stored_dtype(const core::AdapterSpec& spec);

/// Makes adapters (drawn from recipe.seed, or read from adapter.init_from, whose own rank, alpha
/// and targets then hold), or copies all weights for method full.
core::Result<BuiltModel> build_model(const core::Recipe& recipe, BaseModel& base);

}  // namespace dayrun::engine
