// The INSERTs and UPDATEs of every entry. Neighbour: run_query.cpp holds the SELECTs.
// Lives on the writer thread.
#include "core/records/record_writer.h"

#include "core/base/clock.h"

namespace dayrun::core {

RecordWriter::RecordWriter(std::unique_ptr<Database> database) : m_database(std::move(database)) {}

Result<void> RecordWriter::write(std::span<const RecordEntry> entries) {
    return m_database->transaction([&]() -> Result<void> {
        for (const RecordEntry& entry : entries) {
            TRY_VOID(std::visit([&](const auto& value) { return insert(value); }, entry));
        }
        return {};
    });
}

Result<void> RecordWriter::mark_interrupted() {
    // The lock of the project is ours, so nobody can still be running these.
    return m_database->execute(
        "UPDATE run SET state = 'Stopped', interrupted = 1, "
        "finished_at = coalesce((SELECT max(at) FROM step_metric WHERE step_metric.run_id = "
        "run.run_id), started_at) "
        "WHERE state IN ('Queued', 'Preparing', 'Training', 'Evaluating', 'Finishing')");
}

Result<void> RecordWriter::insert(const NewRun& run) {
    const RunRecord& record = run.record;
    TRY_VOID(m_database->execute(
        "INSERT INTO run (run_id, parent_run_id, name, state, recipe_yaml, recipe_sha256, "
        "data_sha256, build_id, device_name, started_at, total_steps) "
        "VALUES (?, nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {record.run_id, record.parent_run_id, record.name, to_string(record.state),
         record.recipe_yaml, record.recipe_sha256, record.data_sha256, record.build_id,
         record.device_name, record.started_at, record.total_steps}));
    for (const auto& [key, value] : run.settings) {
        TRY_VOID(m_database->execute("INSERT INTO setting (run_id, key, value) VALUES (?, ?, ?)",
                                     {record.run_id, key, value}));
    }
    return {};
}

// The steps after the resume point come again, bit by bit; until then a chart must not show them
// twice, nor a best that the run has not reached yet.
Result<void> RecordWriter::insert(const RunContinued& continued) {
    for (const char* sql : {"DELETE FROM step_metric WHERE run_id = ? AND step > ?",
                            "DELETE FROM source_metric WHERE run_id = ? AND step > ?",
                            "DELETE FROM eval_metric WHERE run_id = ? AND step > ?",
                            "DELETE FROM exact_match WHERE run_id = ? AND step > ?",
                            "DELETE FROM sample_output WHERE run_id = ? AND step > ?",
                            "DELETE FROM checkpoint WHERE run_id = ? AND step > ?"}) {
        TRY_VOID(m_database->execute(sql, {continued.run_id, continued.step}));
    }
    return m_database->execute(
        "UPDATE run SET state = 'Preparing', interrupted = 0, finished_at = 0, error = '', "
        "best_eval_loss = NULL, best_step = 0, build_id = ?, device_name = ? WHERE run_id = ?",
        {continued.build_id, continued.device_name, continued.run_id});
}

Result<void> RecordWriter::insert(const RunFacts& facts) {
    return m_database->execute("UPDATE run SET data_sha256 = ?, total_steps = ? WHERE run_id = ?",
                               {facts.data_sha256, facts.total_steps, facts.run_id});
}

Result<void> RecordWriter::insert(const Artifact& artifact) {
    if (artifact.kind == "adapter") {
        // So that a run cut off later still shows where its adapter is.
        TRY_VOID(m_database->execute("UPDATE run SET adapter = ? WHERE run_id = ?",
                                     {artifact.path, artifact.run_id}));
    }
    return m_database->execute(
        "INSERT INTO artifact (run_id, kind, path, bytes, at) "
        "VALUES (?, ?, ?, ?, ?)",
        {artifact.run_id, artifact.kind, artifact.path, artifact.bytes, unix_time_s()});
}

Result<void> RecordWriter::insert(const SourceTokens& tokens) {
    for (const auto& [source, count] : tokens.target_tokens) {
        TRY_VOID(m_database->execute(
            "INSERT OR REPLACE INTO source_metric (run_id, step, source_id, target_tokens) "
            "VALUES (?, ?, ?, ?)",
            {tokens.run_id, tokens.step, source, count}));
    }
    return {};
}

Result<void> RecordWriter::insert(const RunRenamed& renamed) {
    return m_database->execute("UPDATE run SET name = ? WHERE run_id = ?",
                               {renamed.name, renamed.run_id});
}

Result<void> RecordWriter::insert(const RunEvent& event) {
    return std::visit([&](const auto& body) { return insert(event, body); }, event.body);
}

Result<void> RecordWriter::insert(const RunEvent& event, const StateChanged& changed) {
    TRY_VOID(m_database->execute("UPDATE run SET state = ? WHERE run_id = ?",
                                 {to_string(changed.state), event.run_id}));
    return insert_line(event, "state", "info", to_string(changed.state));
}

Result<void> RecordWriter::insert(const RunEvent& event, const StepMetrics& step) {
    return m_database->execute(
        "INSERT OR REPLACE INTO step_metric (run_id, step, epoch, loss, loss_z, grad_norm, "
        "learning_rate, target_tokens, slot_tokens, tokens_per_second, step_ms, data_wait_ms, "
        "device_bytes_peak, wall_s, device_s, eta_s, skipped, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {event.run_id, step.step, step.epoch, step.loss, step.loss_z, step.grad_norm,
         step.learning_rate, step.target_tokens, step.slot_tokens, step.tokens_per_second,
         step.step_ms, step.data_wait_ms, step.device_bytes_peak, step.wall_s, step.device_s,
         step.eta_s, int64_t{step.skipped}, event.at});
}

Result<void> RecordWriter::insert(const RunEvent& event, const EvalMetrics& eval) {
    return m_database->execute(
        "INSERT OR REPLACE INTO eval_metric (run_id, step, source_id, epoch, loss, target_tokens, "
        "duration_ms, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        {event.run_id, eval.step, eval.source_id, eval.epoch, eval.loss, eval.target_tokens,
         eval.duration_ms, event.at});
}

Result<void> RecordWriter::insert(const RunEvent& event, const CheckpointSaved& saved) {
    return m_database->execute(
        "INSERT INTO checkpoint (run_id, step, path, bytes, kind, at) VALUES (?, ?, ?, ?, ?, ?)",
        {event.run_id, saved.step, saved.path, saved.bytes, saved.kind, event.at});
}

Result<void> RecordWriter::insert(const RunEvent& event, const SampleGenerated& sample) {
    return m_database->execute(
        "INSERT INTO sample_output (run_id, step, prompt, text, at) VALUES (?, ?, ?, ?, ?)",
        {event.run_id, sample.step, sample.prompt, sample.text, event.at});
}

Result<void> RecordWriter::insert(const RunEvent& event, const ExactMatchMeasured& measured) {
    return m_database->execute(
        "INSERT OR REPLACE INTO exact_match (run_id, step, source_id, rows, matches, at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        {event.run_id, measured.step, measured.source_id, measured.rows, measured.matches,
         event.at});
}

Result<void> RecordWriter::insert(const RunEvent& event, const LogLine& line) {
    return insert_line(event, "log", line.level, line.message);
}

Result<void> RecordWriter::insert(const RunEvent& event, const RunFinished& finished) {
    TRY_VOID(m_database->execute(
        "UPDATE run SET state = ?, finished_at = ?, best_eval_loss = ?, best_step = ?, "
        "adapter = ? WHERE run_id = ?",
        {to_string(finished.state), event.at, finished.best_eval_loss, finished.best_step,
         finished.adapter, event.run_id}));
    return insert_line(event, "finished", "info", to_string(finished.state));
}

Result<void> RecordWriter::insert(const RunEvent& event, const RunFailed& failed) {
    const std::string text = failed.error.text();
    TRY_VOID(m_database->execute("UPDATE run SET state = 'Failed', error = ? WHERE run_id = ?",
                                 {text, event.run_id}));
    const std::string line =
        failed.error.detail.empty() ? text : text + " [" + failed.error.detail + "]";
    return insert_line(event, "failed", "error", line);
}

Result<void> RecordWriter::insert_line(const RunEvent& event, std::string_view kind,
                                       std::string_view level, std::string_view message) {
    return m_database->execute(
        "INSERT INTO event (run_id, at, kind, level, message) VALUES (?, ?, ?, ?, ?)",
        {event.run_id, event.at, kind, level, message});
}

}  // namespace dayrun::core
