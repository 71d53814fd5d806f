// The loss of a model on a recipe's held-out rows, outside of a run: a merged model against the
// unmerged one. Neighbours: core/run/validation.h measures during a run, core/export merges. Blocks
// its thread, which becomes the engine's run thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/engine/engine.h"

namespace dayrun::core {

struct HeldOutLoss {
    double loss = 0;            // nats, mean over the supervised tokens of the validation rows
    int64_t target_tokens = 0;  // 0: nothing is held out
};

/// Over at most eval.rows rows, as the run itself validated; `engine` is prepared.
Result<HeldOutLoss> held_out_loss(Engine& engine, const Recipe& recipe, const CompiledData& data);

/// Opens the recipe's base with `adapter` as the run ended with it, unmerged, and measures.
Result<HeldOutLoss> unmerged_loss(const EngineFactory& make_engine, const Device& device,
                                  const Recipe& recipe, const CompiledData& data,
                                  const std::filesystem::path& adapter);

/// The same of a merged model's folder, which needs no adapter and no quantization.
Result<HeldOutLoss> merged_loss(const EngineFactory& make_engine, const Device& device,
                                const Recipe& recipe, const CompiledData& data,
                                const std::filesystem::path& model);

}  // namespace dayrun::core
