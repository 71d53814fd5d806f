// Validates: the loss of the held-out rows by source, the best adapter so far, and what the model
// writes to the recipe's prompts. Lives on the run thread. Neighbour: trainer.cpp asks for it.
#pragma once

#include <memory>
#include <vector>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/device/card_monitor.h"
#include "core/engine/engine.h"
#include "core/events/run_control.h"
#include "core/recipe/recipe.h"
#include "core/run/progress/progress.h"
#include "core/run/progress/run_reporter.h"
#include "core/run/resume/resume_point.h"
#include "core/run/run_files.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// What the parts of a run share; all of it outlives them.
struct RunParts {
    const Recipe& recipe;
    const std::shared_ptr<const CompiledData>& data;  // a damaged cache may change it
    const Tokenizer* tokenizer;                       // null for token ids without a tokenizer
    Engine& engine;
    RunControl& control;
    RunReporter& reporter;
    RunFiles& files;
    RunProgress& progress;
    RunFingerprint fingerprint;
    CardMonitor* card = nullptr;  // null on a CPU, or without NVML
};

class Validation {
  public:
    /// Reads the held-out rows. FileDamaged when a token cache is.
    static Result<std::unique_ptr<Validation>> open(const RunParts& parts);

    bool has_rows() const { return !m_batches.empty(); }
    /// Validates after the progress' step, unless it did already; keeps the adapter when it is the
    /// best so far. A request to leave ends it between micro-batches without a result; then
    /// progress.is_eval_pending stays set.
    Result<void> run();
    /// Saves checkpoints/NAME ("best", "last") and tells so.
    Result<void> save(const std::string& name);
    /// Makes checkpoints/NAME the run's adapter.
    Result<void> publish(const std::string& name);

  private:
    explicit Validation(const RunParts& parts) : m_parts(parts) {}
    Result<bool> measure(EvalResult& sums);
    void tell(const EvalResult& sums, double duration_ms);
    Result<void> keep_best(double loss);
    Result<void> write_samples();

    RunParts m_parts;
    // One micro-batch each, since a request is answered between them.
    std::vector<std::vector<PackedBatch>> m_batches;
};

}  // namespace dayrun::core
