// The SELECTs behind RunQuery. Neighbour: record_writer.cpp writes these tables.
// Any thread that has its own RunQuery.
#include "core/records/run_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/records/database.h"

namespace dayrun::core {

namespace {

// A run that is over takes its best from its row; of one still going it is looked up.
constexpr std::string_view kRunColumns =
    "SELECT run.run_id, coalesce(parent_run_id, ''), name, state, interrupted, recipe_yaml, "
    "recipe_sha256, data_sha256, build_id, device_name, started_at, finished_at, "
    "coalesce(best_eval_loss, (SELECT min(loss) FROM eval_metric e WHERE e.run_id = run.run_id "
    "AND source_id = 'all')), "
    "CASE WHEN best_eval_loss IS NOT NULL THEN best_step ELSE coalesce((SELECT step FROM "
    "eval_metric e WHERE e.run_id = run.run_id AND source_id = 'all' AND loss IS NOT NULL "
    "ORDER BY loss, step LIMIT 1), 0) END, "
    "adapter, error, total_steps, coalesce(last.step, 0), last.loss, coalesce(last.wall_s, 0) "
    "FROM run LEFT JOIN step_metric last ON last.run_id = run.run_id AND last.step = "
    "(SELECT max(step) FROM step_metric m WHERE m.run_id = run.run_id) ";

bool is_active(RunState state) {
    return state == RunState::Queued || state == RunState::Preparing ||
           state == RunState::Training || state == RunState::Evaluating ||
           state == RunState::Finishing;
}

RunRecord record_of(const SqlRow& row) {
    RunRecord record;
    record.run_id = row.text(0);
    record.parent_run_id = row.text(1);
    record.name = row.text(2);
    record.state = run_state_from(row.text(3));
    record.interrupted = row.integer(4) != 0;
    record.recipe_yaml = row.text(5);
    record.recipe_sha256 = row.text(6);
    record.data_sha256 = row.text(7);
    record.build_id = row.text(8);
    record.device_name = row.text(9);
    record.started_at = row.real(10);
    record.finished_at = row.real(11);
    record.best_eval_loss = row.real(12);
    record.best_step = row.integer(13);
    record.adapter = row.text(14);
    record.error = row.text(15);
    record.total_steps = row.integer(16);
    record.last_step = row.integer(17);
    record.last_loss = row.real(18);
    record.wall_s = row.real(19);
    return record;
}

StepMetrics step_of(const SqlRow& row) {
    StepMetrics step;
    step.step = row.integer(0);
    step.epoch = row.real(1);
    step.loss = row.real(2);
    step.loss_z = row.real(3);
    step.grad_norm = row.real(4);
    step.learning_rate = row.real(5);
    step.target_tokens = row.integer(6);
    step.slot_tokens = row.integer(7);
    step.tokens_per_second = row.real(8);
    step.step_ms = row.real(9);
    step.data_wait_ms = row.real(10);
    step.device_bytes_peak = row.integer(11);
    step.wall_s = row.real(12);
    step.device_s = row.real(13);
    step.eta_s = row.real(14);
    step.skipped = row.integer(15) != 0;
    return step;
}

EvalMetrics eval_of(const SqlRow& row) {
    return {.step = row.integer(0),
            .epoch = row.real(1),
            .source_id = row.text(2),
            .loss = row.real(3),
            .target_tokens = row.integer(4),
            .duration_ms = row.real(5)};
}

// The x of a step row, as SQL over step_metric.
std::string_view axis_expression(SeriesAxis axis) {
    switch (axis) {
        case SeriesAxis::Step:
            return "step";
        case SeriesAxis::Epoch:
            return "epoch";
        case SeriesAxis::TrainedTokens:
            return "sum(target_tokens) OVER (ORDER BY step)";
        case SeriesAxis::WallSeconds:
            return "wall_s";
        case SeriesAxis::DeviceSeconds:
            return "device_s";
    }
    return "step";
}

}  // namespace

RunQuery::RunQuery(std::unique_ptr<Database> database) : m_database(std::move(database)) {}
RunQuery::RunQuery(RunQuery&&) noexcept = default;
RunQuery& RunQuery::operator=(RunQuery&&) noexcept = default;
RunQuery::~RunQuery() = default;

Result<RunQuery> RunQuery::open(const std::filesystem::path& path) {
    TRY(database, Database::open(path, Database::Mode::ReadOnly));
    return RunQuery(std::move(database));
}

Result<std::vector<RunRecord>> RunQuery::select_runs(std::string_view where,
                                                     std::string_view value) const {
    std::vector<RunRecord> records;
    const std::string sql =
        fmt::format("{}WHERE {} ORDER BY started_at DESC, run.rowid DESC", kRunColumns, where);
    TRY_VOID(m_database->query(sql, {value}, [&](const SqlRow& row) {
        records.push_back(record_of(row));
        return true;
    }));
    for (RunRecord& record : records) {
        if (m_writer_is_alive || !is_active(record.state)) continue;
        record.state = RunState::Stopped;
        record.interrupted = true;
    }
    return records;
}

Result<std::vector<RunRecord>> RunQuery::runs() const {
    return select_runs("? = ''", "");
}

Result<RunRecord> RunQuery::run(std::string_view id_or_name) const {
    TRY(same_id, select_runs("run.run_id = ?", id_or_name));
    if (!same_id.empty()) return same_id.front();
    TRY(same_name, select_runs("name = ?", id_or_name));
    if (!same_name.empty()) return same_name.front();
    TRY(same_start, select_runs("substr(run.run_id, 1, length(?1)) = ?1", id_or_name));
    if (same_start.size() == 1 && !id_or_name.empty()) return same_start.front();
    if (same_start.size() > 1 && !id_or_name.empty()) {
        return Error{
            .code = ErrorCode::BadUsage,
            .message = fmt::format("{} runs begin with '{}'.", same_start.size(), id_or_name),
            .hint = "Write more digits of the id."};
    }
    return Error{.code = ErrorCode::FileMissing,
                 .message = fmt::format("There is no run '{}' in this project.", id_or_name),
                 .hint = "`dayrun runs` lists the runs there are."};
}

Result<RunSettings> RunQuery::settings(const std::string& run_id) const {
    RunSettings settings;
    TRY_VOID(m_database->query("SELECT key, value FROM setting WHERE run_id = ? ORDER BY key",
                               {run_id}, [&](const SqlRow& row) {
                                   settings.emplace_back(row.text(0), row.text(1));
                                   return true;
                               }));
    return settings;
}

Result<std::vector<StepMetrics>> RunQuery::steps(const std::string& run_id, int64_t after_step,
                                                 int64_t limit) const {
    std::vector<StepMetrics> steps;
    TRY_VOID(m_database->query(
        "SELECT step, epoch, loss, loss_z, grad_norm, learning_rate, target_tokens, slot_tokens, "
        "tokens_per_second, step_ms, data_wait_ms, device_bytes_peak, wall_s, device_s, eta_s, "
        "skipped FROM step_metric WHERE run_id = ? AND step > ? ORDER BY step LIMIT ?",
        {run_id, after_step, limit}, [&](const SqlRow& row) {
            steps.push_back(step_of(row));
            return true;
        }));
    return steps;
}

Result<Series> RunQuery::series(const std::string& run_id, StepColumn column, size_t columns,
                                SeriesAxis axis) const {
    Series all;
    const std::string sql =
        fmt::format("SELECT {}, {} FROM step_metric WHERE run_id = ? ORDER BY step",
                    axis_expression(axis), to_string(column));
    TRY_VOID(m_database->query(sql, {run_id}, [&](const SqlRow& row) {
        all.x.push_back(row.real(0));
        all.y.push_back(row.real(1));
        return true;
    }));
    return decimate(all.x, all.y, columns);
}

Result<std::vector<EvalMetrics>> RunQuery::evals(const std::string& run_id,
                                                 const std::string& source_id) const {
    std::vector<EvalMetrics> evals;
    TRY_VOID(m_database->query(
        "SELECT step, epoch, source_id, loss, target_tokens, duration_ms FROM eval_metric "
        "WHERE run_id = ?1 AND (?2 = '' OR source_id = ?2) ORDER BY step, source_id",
        {run_id, source_id}, [&](const SqlRow& row) {
            evals.push_back(eval_of(row));
            return true;
        }));
    return evals;
}

Result<Series> RunQuery::eval_series(const std::string& run_id, const std::string& source_id,
                                     SeriesAxis axis) const {
    Series series;
    // A validation stands where the step before it ended; one before the first step stands at 0.
    const std::string sql = fmt::format(
        "SELECT coalesce(place.x, 0), e.loss FROM eval_metric e LEFT JOIN "
        "(SELECT step, {} AS x FROM step_metric WHERE run_id = ?1) place ON place.step = e.step "
        "WHERE e.run_id = ?1 AND e.source_id = ?2 AND e.loss IS NOT NULL ORDER BY e.step",
        axis_expression(axis));
    TRY_VOID(m_database->query(sql, {run_id, source_id}, [&](const SqlRow& row) {
        series.x.push_back(row.real(0));
        series.y.push_back(row.real(1));
        return true;
    }));
    return series;
}

Result<std::vector<SavedCheckpoint>> RunQuery::checkpoints(const std::string& run_id) const {
    std::vector<SavedCheckpoint> saved;
    TRY_VOID(m_database->query(
        "SELECT step, path, bytes, kind, at FROM checkpoint WHERE run_id = ? ORDER BY id", {run_id},
        [&](const SqlRow& row) {
            saved.push_back({.checkpoint = {.step = row.integer(0),
                                            .path = row.text(1),
                                            .bytes = row.integer(2),
                                            .kind = row.text(3)},
                             .at = row.real(4)});
            return true;
        }));
    return saved;
}

Result<std::vector<RecordedSample>> RunQuery::samples(const std::string& run_id) const {
    std::vector<RecordedSample> samples;
    TRY_VOID(m_database->query(
        "SELECT step, prompt, text, at FROM sample_output WHERE run_id = ? ORDER BY id", {run_id},
        [&](const SqlRow& row) {
            samples.push_back(
                {.sample = {.step = row.integer(0), .prompt = row.text(1), .text = row.text(2)},
                 .at = row.real(3)});
            return true;
        }));
    return samples;
}

Result<std::vector<RecordedLog>> RunQuery::log(const std::string& run_id, int64_t limit) const {
    std::vector<RecordedLog> lines;
    TRY_VOID(m_database->query(
        "SELECT at, level, CASE kind WHEN 'state' THEN 'State: ' || message WHEN 'finished' THEN "
        "'Ended: ' || message ELSE message END FROM event WHERE run_id = ? "
        "ORDER BY id DESC LIMIT ?",
        {run_id, limit}, [&](const SqlRow& row) {
            lines.push_back({.at = row.real(0), .level = row.text(1), .message = row.text(2)});
            return true;
        }));
    std::reverse(lines.begin(), lines.end());
    return lines;
}

std::optional<double> RunQuery::measured_tokens_per_second(const std::string& base_path,
                                                           const std::string& device_name) const {
    // The middle one of the newest matching run's warm steps (the first two warm up caches).
    // Runs keep their base as an absolute path without dots.
    const std::string base = std::filesystem::path(base_path).lexically_normal().string();
    std::optional<double> speed;
    const Result<void> outcome = m_database->query(
        "WITH newest AS (SELECT run.run_id FROM run JOIN setting s ON s.run_id = run.run_id "
        "AND s.key = 'base.path' AND s.value = ?1 WHERE run.device_name = ?2 AND EXISTS "
        "(SELECT 1 FROM step_metric m WHERE m.run_id = run.run_id AND m.step > 2) "
        "ORDER BY run.started_at DESC LIMIT 1), "
        "speeds AS (SELECT tokens_per_second AS v FROM step_metric WHERE run_id = (SELECT run_id "
        "FROM newest) AND step > 2 AND tokens_per_second IS NOT NULL) "
        "SELECT v FROM speeds ORDER BY v LIMIT 1 OFFSET (SELECT count(*) / 2 FROM speeds)",
        {base, device_name}, [&](const SqlRow& row) {
            speed = row.real(0);
            return false;
        });
    return outcome.ok() ? speed : std::nullopt;
}

}  // namespace dayrun::core
