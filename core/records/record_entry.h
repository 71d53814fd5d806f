// What travels from a run to the writer thread: events, and the few facts no event carries.
// Neighbours: run_store.h takes them, record_writer.cpp knows their tables. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/events/run_event.h"
#include "core/records/run_record.h"

namespace dayrun::core {

/// A new row of `run` and its settings.
struct NewRun {
    RunRecord record;
    RunSettings settings;
};

/// A run goes on from `step`: what was recorded after it happens again.
struct RunContinued {
    std::string run_id;
    int64_t step = 0;
    std::string build_id;
    std::string device_name;
};

/// What becomes known while a run prepares.
struct RunFacts {
    std::string run_id;
    std::string data_sha256;
    int64_t total_steps = 0;
};

/// A file the run made: kind is "adapter", "report", …; the path is relative to the project folder.
struct Artifact {
    std::string run_id;
    std::string kind;
    std::string path;
    int64_t bytes = 0;
};

/// Trained tokens of each source so far, at this step.
struct SourceTokens {
    std::string run_id;
    int64_t step = 0;
    std::vector<std::pair<std::string, int64_t>> target_tokens;
};

struct RunRenamed {
    std::string run_id;
    std::string name;
};

using RecordEntry =
    std::variant<RunEvent, NewRun, RunContinued, RunFacts, Artifact, SourceTokens, RunRenamed>;

}  // namespace dayrun::core
