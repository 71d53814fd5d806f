// The verbs of the walk and what one run holds while it walks: data, tokenizer, engine, files.
// Made, used and destroyed on the run thread. Neighbour: run_session.cpp calls the verbs in order.
#pragma once

#include <memory>
#include <optional>

#include "core/evaluate/exact_match.h"
#include "core/records/project.h"
#include "core/run/run_order.h"
#include "core/run/trainer.h"
#include "core/run/validation.h"

namespace dayrun::core {

class ActiveRun {
  public:
    ActiveRun(Project& project, const EngineFactory& make_engine, RunControl& control,
              RunListener& listener, const RunOrder& order);
    ~ActiveRun();

    /// The run's folder, its frozen recipe and its row in the records; of a run that goes on, its
    /// resume point.
    Result<void> begin();
    /// Sources to token caches, splits and packed rows.
    Result<void> compile();
    /// Whether a token cache turned out damaged: compile() builds it anew.
    bool has_damaged_cache() const;
    /// The pre-flight checks of the data; red ones stop here.
    Result<void> check();
    /// Base model, adapters and optimizer, within the memory budget.
    Result<void> prepare();
    /// The largest micro-batch through everything, measured before the first step; then, of a run
    /// that goes on, adapter and optimizer as they were.
    Result<void> rehearse();
    /// Exact match on test rows before the first step, where eval.exact_match_rows asks for it.
    Result<void> examine_start();
    /// All steps and validations, the last one included.
    Result<TrainEnd> train();
    /// The last adapter, and the kept one as the run's adapter.
    Result<void> save(TrainEnd end);
    /// The same with what was saved, opened anew from the disk.
    Result<void> examine_result(TrainEnd end);
    /// Report, end state, records on the disk.
    Result<RunState> finish(TrainEnd end);

    /// Tells the end of a run that did not finish, saving what can be saved.
    RunState fail(Error error);
    RunOutcome outcome(RunState state) const;

  private:
    RunParts parts();
    Result<void> begin_again();
    Leftovers sweep();
    void tell_swept(const Leftovers& swept);
    Result<void> check_same_recipe();
    Result<void> check_same_data() const;
    Result<void> record_base();
    Result<void> read_data();
    Result<std::shared_ptr<const CompiledData>> mend_data(const Error& damage);
    Result<void> restore();
    bool is_examined() const;
    Result<void> examine(Engine& engine, int64_t step);
    Result<std::unique_ptr<Engine>> open_result();
    bool is_stop_requested() const;
    RunState stop_while_preparing();
    void end_records(RunState state);
    void write_report(RunState state);
    void write_source_tokens();

    Project& m_project;
    const EngineFactory& m_make_engine;
    RunControl& m_control;
    Recipe m_recipe;  // frozen: paths absolute, name set
    std::string m_recipe_yaml;
    RunOrder m_order;
    RunReporter m_reporter;
    RunFiles m_files;
    RunProgress m_progress;
    std::unique_ptr<Tokenizer> m_tokenizer;
    std::shared_ptr<const CompiledData> m_data;
    std::unique_ptr<Engine> m_engine;
    std::optional<PreparedModel> m_model;
    std::unique_ptr<Validation> m_validation;
    std::unique_ptr<CardMonitor> m_card;
    RunFingerprint m_fingerprint;
    std::filesystem::path m_resume_folder;  // empty: the run starts at its beginning
    std::string m_adapter;                  // relative to the project folder, once published
    std::optional<Error> m_error;
    int64_t m_peak_bytes = 0;
    bool m_began = false;
};

}  // namespace dayrun::core
