// An Engine without torch: its losses are a plain function of the tokens it has been given, so that
// runs, records and the window are tested without a model. Lives on the run thread; FakeScript and
// FakeCounts may be read elsewhere while it runs.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/engine/engine.h"

namespace dayrun::tests {

/// What the engine is told to do; written before the run starts.
struct FakeScript {
    int fail_at_step = 0;      // apply_step of this step (from 1) returns an Error
    int not_finite_from = 0;   // losses of these steps are NaN and the step is skipped
    int not_finite_until = 0;  // inclusive
    int sleep_ms = 0;          // in every accumulate and evaluate of a micro-batch
    int throw_at_step = 0;     // apply_step throws, as a library might
    bool fail_prepare = false;
    std::string base = "a";        // checksum of the base's only tensor
    int steps_behind = 0;          // as a device that works behind its caller
    int short_of_memory_from = 0;  // accumulate answers OutOfGpuMemory from this call on, …
    int leaner_plans = 0;          // … until the engine was made leaner this often
    int rehearses_after = 0;       // rehearse answers it until then
    /// Called with the recipe that the engine is prepared for.
    std::function<void(const core::Recipe&)> on_prepare;
    /// Called at the start of every accumulate with its number, from 1.
    std::function<void(int)> on_accumulate;
    /// Called at the start of every evaluate with its number, from 1.
    std::function<void(int)> on_evaluate;
};

/// How often each verb was called; any thread.
struct FakeCounts {
    std::atomic<int> engines_alive{0};
    std::atomic<int> prepare{0};
    std::atomic<int> rehearse{0};
    std::atomic<int> accumulate{0};
    std::atomic<int> apply_step{0};
    std::atomic<int> drop_gradients{0};
    std::atomic<int> make_leaner{0};
    std::atomic<int> evaluate{0};
    std::atomic<int> generate{0};
    std::atomic<int> save_adapter{0};
    std::atomic<int> save_state{0};
};

/// A factory of fake engines that follow `script` and count into `counts`.
core::EngineFactory fake_engine_factory(std::shared_ptr<const FakeScript> script = {},
                                        std::shared_ptr<FakeCounts> counts = {});

}  // namespace dayrun::tests
