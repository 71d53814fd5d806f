// Turns entries into rows: the only place that writes the tables of resources/sql.
// Lives on the writer thread. Neighbour: run_store.cpp gives it batches.
#pragma once

#include <memory>
#include <span>

#include "core/base/result.h"
#include "core/records/database.h"
#include "core/records/record_entry.h"

namespace dayrun::core {

class RecordWriter {
  public:
    explicit RecordWriter(std::unique_ptr<Database> database);

    /// All entries in one transaction, or none of them.
    Result<void> write(std::span<const RecordEntry> entries);
    /// Runs whose process ended before they did: state Stopped, interrupted set.
    Result<void> mark_interrupted();

  private:
    Result<void> insert(const NewRun& run);
    Result<void> insert(const RunContinued& continued);
    Result<void> insert(const RunFacts& facts);
    Result<void> insert(const Artifact& artifact);
    Result<void> insert(const SourceTokens& tokens);
    Result<void> insert(const RunRenamed& renamed);
    Result<void> insert(const RunEvent& event);

    Result<void> insert(const RunEvent& event, const StateChanged& changed);
    Result<void> insert(const RunEvent& event, const StepMetrics& step);
    Result<void> insert(const RunEvent& event, const EvalMetrics& eval);
    Result<void> insert(const RunEvent& event, const CheckpointSaved& saved);
    Result<void> insert(const RunEvent& event, const SampleGenerated& sample);
    Result<void> insert(const RunEvent& event, const ExactMatchMeasured& measured);
    Result<void> insert(const RunEvent& event, const LogLine& line);
    Result<void> insert(const RunEvent& event, const RunFinished& finished);
    Result<void> insert(const RunEvent& event, const RunFailed& failed);
    Result<void> insert_line(const RunEvent& event, std::string_view kind, std::string_view level,
                             std::string_view message);

    std::unique_ptr<Database> m_database;
};

}  // namespace dayrun::core
