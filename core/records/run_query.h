// Reads a project's runs: lists, one run, curves decimated for a chart, validations by source.
// Neighbours: run_store.h writes the same tables, compare.h puts several runs side by side.
// One RunQuery per thread; it may be used while another thread or process writes.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/events/run_event.h"
#include "core/records/run_record.h"
#include "core/records/series.h"

namespace dayrun::core {

class Database;

struct SavedCheckpoint {
    CheckpointSaved checkpoint;
    double at = 0;
};
struct RecordedSample {
    SampleGenerated sample;
    double at = 0;
};
struct RecordedLog {
    double at = 0;
    std::string level;
    std::string message;
};

class RunQuery {
  public:
    static Result<RunQuery> open(const std::filesystem::path& database);
    RunQuery(RunQuery&&) noexcept;
    RunQuery& operator=(RunQuery&&) noexcept;
    ~RunQuery();

    /// Newest first.
    Result<std::vector<RunRecord>> runs() const;
    /// By id, by the unambiguous beginning of an id, or by name (the newest of that name).
    Result<RunRecord> run(std::string_view id_or_name) const;
    Result<RunSettings> settings(const std::string& run_id) const;

    /// Steps after `after_step`, in order; at most `limit`.
    Result<std::vector<StepMetrics>> steps(const std::string& run_id, int64_t after_step = 0,
                                           int64_t limit = 1'000'000) const;
    /// A curve of at most 2 * columns + 2 points.
    Result<Series> series(const std::string& run_id, StepColumn column, size_t columns,
                          SeriesAxis axis = SeriesAxis::Step) const;
    /// Validations in order of step; one source's, or of all of them with an empty name.
    Result<std::vector<EvalMetrics>> evals(const std::string& run_id,
                                           const std::string& source_id = {}) const;
    Result<Series> eval_series(const std::string& run_id, const std::string& source_id = "all",
                               SeriesAxis axis = SeriesAxis::Step) const;
    Result<std::vector<SavedCheckpoint>> checkpoints(const std::string& run_id) const;
    Result<std::vector<RecordedSample>> samples(const std::string& run_id) const;
    /// The last `limit` log lines, oldest first.
    Result<std::vector<RecordedLog>> log(const std::string& run_id, int64_t limit = 1000) const;

    /// Tokens per second of finished steps of the newest run on the same base folder and device,
    /// for the time plan; empty when none was measured. See core/plan/time_plan.h.
    std::optional<double> measured_tokens_per_second(const std::string& base_path,
                                                     const std::string& device_name) const;

    /// False: runs still in progress by their record are shown as interrupted.
    void set_writer_is_alive(bool is_alive) { m_writer_is_alive = is_alive; }

  private:
    explicit RunQuery(std::unique_ptr<Database> database);
    Result<std::vector<RunRecord>> select_runs(std::string_view where,
                                               std::string_view value) const;

    std::unique_ptr<Database> m_database;
    bool m_writer_is_alive = true;
};

}  // namespace dayrun::core
