// The verbs of the walk. Lives on the run thread. Neighbours: trainer.cpp and validation.cpp do the
// long part.
#include "core/run/active_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/base/units.h"
#include "core/compile/cache/data_compiler.h"
#include "core/compile/cache/data_report.h"
#include "core/device/cuda_probe.h"
#include "core/plan/data_checks.h"
#include "core/plan/start_adapter.h"
#include "core/recipe/recipe_schema.h"
#include "core/recipe/recipe_yaml.h"
#include "core/run/progress/run_report.h"
#include "core/run/rehearsal/rehearsal.h"
#include "core/run/resume/base_record.h"
#include "core/run/resume/continue_queue.h"
#include "core/run/run_session.h"

namespace dayrun::core {

namespace {

RunSettings settings_of(const Recipe& recipe) {
    RunSettings settings;
    for (const std::string& key : setting_keys(recipe)) {
        settings.emplace_back(key, setting_value(recipe, key));
    }
    return settings;
}

RunState state_after(TrainEnd end) {
    switch (end) {
        case TrainEnd::Completed:
        case TrainEnd::FinishNow:
            return RunState::Finished;
        case TrainEnd::Parked:
            return RunState::Parked;
        case TrainEnd::Stopped:
        case TrainEnd::Discarded:
            break;
    }
    return RunState::Stopped;
}

Error cancelled() {
    return {.code = ErrorCode::Cancelled, .message = "The run was stopped."};
}

}  // namespace

ActiveRun::ActiveRun(Project& project, const EngineFactory& make_engine, RunControl& control,
                     RunListener& listener, const RunOrder& order)
    : m_project(project),
      m_make_engine(make_engine),
      m_control(control),
      m_recipe(frozen_recipe(order.recipe, order.run_id)),
      m_recipe_yaml(write_recipe(m_recipe, Keys::All)),
      m_order(order),
      m_reporter(order.run_id, project.store(), listener),
      m_files(project.run_folder(order.run_id)) {}

ActiveRun::~ActiveRun() = default;

Result<void> ActiveRun::begin() {
    if (m_order.resumes) return begin_again();
    TRY_VOID(m_files.create(m_recipe_yaml));
    const Leftovers swept = sweep();
    m_fingerprint.recipe_sha256 = sha256_hex(m_recipe_yaml);
    m_reporter.record(NewRun{.record = {.run_id = m_order.run_id,
                                        .parent_run_id = m_order.parent_run_id,
                                        .name = m_recipe.name,
                                        .state = RunState::Preparing,
                                        .interrupted = false,
                                        .recipe_yaml = m_recipe_yaml,
                                        .recipe_sha256 = m_fingerprint.recipe_sha256,
                                        .data_sha256 = {},
                                        .build_id = m_order.build_id,
                                        .device_name = m_order.device_name,
                                        .started_at = unix_time_s(),
                                        .adapter = {},
                                        .error = {}},
                             .settings = settings_of(m_recipe)});
    m_began = true;
    m_reporter.state(RunState::Preparing);
    tell_swept(swept);
    return m_project.store().flush();
}

// The project's lock keeps other Dayruns out of the run's own folder; its other runs may be
// exported from, and the caches be made by a program that trains nothing.
Leftovers ActiveRun::sweep() {
    Leftovers swept = m_files.sweep();
    std::vector<std::filesystem::path> folders = {m_project.cache_folder()};
    std::error_code ignored;
    for (const auto& run : std::filesystem::directory_iterator(m_project.runs_folder(), ignored)) {
        folders.push_back(run.path());
        folders.push_back(RunFiles(run.path()).checkpoints());
    }
    for (const auto& folder : folders) swept += remove_leftovers(folder, Makers::MayLive);
    return swept;
}

void ActiveRun::tell_swept(const Leftovers& swept) {
    if (swept.count == 0) return;
    m_reporter.info(fmt::format(
        "Removed {} half-written {} of an interrupted Dayrun ({}).", swept.count,
        swept.count == 1 ? "file or folder" : "files or folders", format_bytes(swept.bytes)));
}

// Nothing is recorded before the resume point is known to be whole and of this recipe.
Result<void> ActiveRun::begin_again() {
    TRY_VOID(check_same_recipe());
    const Leftovers swept = sweep();
    TRY(found, find_resume_point(m_files.resume_points()));
    if (found.point) {
        if (found.point->fingerprint.recipe_sha256 != m_fingerprint.recipe_sha256) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("The resume point {} belongs to another recipe.",
                                                found.point->folder.string()),
                         .hint = "Delete that folder to go on from an older point."};
        }
        m_resume_folder = found.point->folder;
        m_fingerprint = found.point->fingerprint;
        m_progress = std::move(found.point->progress);
    }
    if (std::filesystem::exists(m_files.adapter())) {
        m_adapter = m_project.relative(m_files.adapter());
    }
    m_reporter.record(RunContinued{.run_id = m_order.run_id,
                                   .step = m_progress.step,
                                   .build_id = m_order.build_id,
                                   .device_name = m_order.device_name});
    m_began = true;
    m_reporter.state(RunState::Preparing);
    tell_swept(swept);
    for (const std::string& warning : found.warnings) m_reporter.warning(warning);
    for (const auto& folder : m_files.unsealed_points()) {
        m_reporter.warning(fmt::format(
            "{} is no resume point: it lacks progress.json, which is written last. Delete it.",
            folder.string()));
    }
    m_reporter.info(m_resume_folder.empty()
                        ? std::string("Continuing from the beginning: no resume point was saved.")
                        : fmt::format("Continuing after step {} of {}.", m_progress.step,
                                      m_progress.total_steps));
    return m_project.store().flush();
}

// Compared as settings and not as text, since a newer Dayrun may write the same recipe otherwise.
Result<void> ActiveRun::check_same_recipe() {
    TRY(text, read_file(m_files.recipe()));
    TRY(own, parse_recipe(text, m_files.recipe().string(), m_files.folder()));
    TRY_VOID(same_recipe(own, m_recipe, m_order.run_id));
    m_fingerprint.recipe_sha256 = sha256_hex(text);
    return {};
}

Result<void> ActiveRun::check_same_data() const {
    if (m_resume_folder.empty()) return {};
    const bool is_same = m_data->data_sha256 == m_fingerprint.data_sha256;
    const bool reads_same = m_fingerprint.tokens_sha256.empty() ||
                            m_data->tokens_sha256() == m_fingerprint.tokens_sha256;
    if (is_same && reads_same) return {};
    return Error{.code = ErrorCode::BadData,
                 .message = fmt::format(
                     "{} since step {} was saved, so it cannot go on as the same "
                     "run.",
                     is_same ? fmt::format("The tokens of run {} are others (its "
                                           "tokenizer or template has changed)",
                                           m_order.run_id)
                             : fmt::format("The data of run {} have changed", m_order.run_id),
                     m_progress.step),
                 .hint = "Restore the files, or start a new run without --continue."};
}

Result<void> ActiveRun::compile() {
    Result<std::unique_ptr<Tokenizer>> tokenizer =
        open_tokenizer(m_recipe.resolved(m_recipe.base.path));
    if (tokenizer.ok()) {
        m_tokenizer = std::move(tokenizer).value();
    } else if (needs_tokenizer(m_recipe)) {
        return std::move(tokenizer).error();
    }
    TRY_VOID(read_data());
    TRY_VOID(check_same_data());
    TRY_VOID(write_file(m_files.manifest(), m_data->manifest_json()));
    TRY(report, data_report_json(*m_data, m_tokenizer.get()));
    TRY_VOID(write_file(m_files.data_report(), report));
    m_fingerprint.data_sha256 = m_data->data_sha256;
    m_fingerprint.tokens_sha256 = m_data->tokens_sha256();
    m_progress.total_steps = total_steps(
        m_recipe.batch, [&](int64_t epoch) { return m_data->micro_batches_in_epoch(epoch); });
    m_progress.source_target_tokens.resize(m_recipe.data.size(), 0);
    m_reporter.record(RunFacts{.run_id = m_order.run_id,
                               .data_sha256 = m_data->data_sha256,
                               .total_steps = m_progress.total_steps});
    return is_stop_requested() ? Result<void>(cancelled()) : Result<void>();
}

Result<void> ActiveRun::read_data() {
    std::stop_source stop;
    const auto on_progress = [&](const CompileProgress&) {
        if (is_stop_requested()) stop.request_stop();
    };
    TRY(data, compile_data(m_recipe, m_tokenizer.get(), m_project.cache_folder(), on_progress,
                           stop.get_token()));
    const auto before = std::exchange(m_data, std::move(data));
    for (const std::string& warning : m_data->warnings) {
        // Where a damaged cache made the run read its data again, what was said is not said again.
        const bool is_known =
            before != nullptr && std::find(before->warnings.begin(), before->warnings.end(),
                                           warning) != before->warnings.end();
        if (!is_known) m_reporter.warning(warning);
    }
    return {};
}

bool ActiveRun::has_damaged_cache() const {
    return m_data != nullptr && m_data->has_damaged_cache();
}

Result<std::shared_ptr<const CompiledData>> ActiveRun::mend_data(const Error& damage) {
    m_reporter.warning(damage.message + " The run waits until it is built anew.");
    TRY_VOID(read_data());
    const bool is_same = m_data->data_sha256 == m_fingerprint.data_sha256;
    if (is_same && m_data->tokens_sha256() == m_fingerprint.tokens_sha256) return m_data;
    return Error{
        .code = ErrorCode::BadData,
        .message = fmt::format("{} {} changed since the run began, so it cannot be built "
                               "anew for this run.",
                               damage.message,
                               is_same ? "The tokenizer or the template has" : "The data have"),
        .hint = "Restore the files and continue the run, or start a new one."};
}

Result<void> ActiveRun::check() {
    TRY(checks, check_data(m_recipe, *m_data, m_tokenizer.get()));
    if (m_resume_folder.empty()) {
        if (auto check = check_start_adapter(m_recipe)) checks.push_back(std::move(*check));
    }
    for (const PreflightCheck& check : checks) {
        if (check.level == CheckLevel::Red) {
            return Error{.code = ErrorCode::BadData, .message = check.message, .hint = check.hint};
        }
        if (check.level == CheckLevel::Amber) m_reporter.warning(check.message);
    }
    return {};
}

Result<void> ActiveRun::prepare() {
    m_engine.reset();  // of a walk that began anew: two models at once may not fit
    TRY(engine, m_make_engine(m_order.device));
    m_engine = std::move(engine);
    if (const auto& limit = m_recipe.budget.max_device_bytes) {
        TRY_VOID(m_engine->limit_memory(*limit));
    }
    Recipe recipe = m_recipe;
    // What it started from may be gone or changed; the resume point has the adapter as it was.
    if (!m_resume_folder.empty() && !recipe.adapter.init_from.empty()) {
        recipe.adapter.init_from = m_resume_folder.string();
    }
    TRY(model, m_engine->prepare(recipe));
    m_model = std::move(model);
    for (const std::string& note : m_model->notes) m_reporter.warning(note);
    TRY_VOID(record_base());
    m_reporter.info(fmt::format("{}: {} parameters in {}, {} trained; {} planned.",
                                m_model->architecture, format_count(m_model->parameter_count),
                                m_model->dtype, format_count(m_model->trained_parameter_count),
                                count_of(m_progress.total_steps, "step")));
    return {};
}

// Before a step: a run that goes on must do so over the very base that it began with.
Result<void> ActiveRun::record_base() {
    TRY(recorded, recorded_base(m_files.base(), m_fingerprint.base_sha256));
    if (m_order.resumes) {
        TRY_VOID(check_same_base(recorded, m_model->base, m_order.run_id));
        if (recorded.sha256.empty() && !m_resume_folder.empty()) {
            m_reporter.info(
                "Whether the base is still the same is not known: an older Dayrun, which kept no "
                "record of it, began this run.");
        }
    }
    m_fingerprint.base_sha256 = m_model->base.sha256();
    if (recorded.base) return {};
    const std::string text = to_json(m_model->base) + "\n";
    TRY_VOID(write_file(m_files.base(), text));
    m_reporter.record(Artifact{.run_id = m_order.run_id,
                               .kind = "base",
                               .path = m_project.relative(m_files.base()),
                               .bytes = static_cast<int64_t>(text.size())});
    return {};
}

// The best adapter too is again the one of that moment: what a later step had made best comes
// again.
Result<void> ActiveRun::restore() {
    TRY_VOID(m_engine->load_state(m_resume_folder));
    TRY(has_best, m_files.restore_best_from(m_resume_folder));
    if (has_best && m_recipe.eval.keep == KeepRule::Best) TRY_VOID(m_files.publish("best"));
    return {};
}

// Before the state of a run that goes on is read: the rehearsal needs the optimizer as it starts.
Result<void> ActiveRun::rehearse() {
    TRY_VOID(rehearse_run({.recipe = m_recipe,
                           .data = *m_data,
                           .engine = *m_engine,
                           .reporter = m_reporter,
                           .folder = m_files.folder(),
                           .total_steps = m_progress.total_steps,
                           .device = m_order.device}));
    return m_resume_folder.empty() ? Result<void>() : restore();
}

bool ActiveRun::is_examined() const {
    return m_recipe.eval.exact_match_rows > 0 && m_tokenizer != nullptr && m_data->test_rows() > 0;
}

Result<void> ActiveRun::examine(Engine& engine, int64_t step) {
    TRY(figures, measure_exact_match(engine, *m_tokenizer, *m_data, m_recipe.eval.exact_match_rows,
                                     m_control));
    for (const ExactMatch& figure : figures) {
        m_progress.exact_match.push_back({.step = step,
                                          .source_id = figure.source_id,
                                          .rows = figure.rows,
                                          .matches = figure.matches});
        m_reporter.tell(m_progress.exact_match.back());
    }
    return {};
}

Result<void> ActiveRun::examine_start() {
    if (!is_examined() || m_progress.step > 0) return {};
    m_progress.exact_match.clear();
    m_reporter.state(RunState::Evaluating);
    return examine(*m_engine, 0);
}

RunParts ActiveRun::parts() {
    return {.recipe = m_recipe,
            .data = m_data,
            .tokenizer = m_tokenizer.get(),
            .engine = *m_engine,
            .control = m_control,
            .reporter = m_reporter,
            .files = m_files,
            .progress = m_progress,
            .fingerprint = m_fingerprint,
            .card = m_card.get()};
}

Result<TrainEnd> ActiveRun::train() {
    if (m_order.device.kind == DeviceKind::Cuda) {
        const auto card = usable_cuda_device(m_order.device.index);
        if (card.ok()) m_card = CardMonitor::open(card->pci_bus_id);
    }
    TRY(validation, Validation::open(parts()));
    m_validation = std::move(validation);
    m_reporter.state(RunState::Training);
    BatchStream stream(m_data, m_progress.stream_position,
                       [this](const Error& damage) { return mend_data(damage); });
    Trainer trainer(parts(), stream, *m_validation);
    return trainer.run();
}

Result<void> ActiveRun::save(TrainEnd end) {
    if (end == TrainEnd::Discarded) {
        m_files.remove_results();
        m_adapter.clear();
        return {};
    }
    if (end == TrainEnd::Parked) {
        // The resume point has all of it, and the device is wanted soon.
        const bool has_adapter = std::filesystem::exists(m_files.adapter());
        m_adapter = has_adapter ? m_project.relative(m_files.adapter()) : std::string();
        return {};
    }
    m_reporter.state(RunState::Finishing);
    if (m_validation == nullptr) {
        TRY(validation, Validation::open(parts()));
        m_validation = std::move(validation);
    }
    TRY_VOID(m_validation->save("last"));
    const bool has_best = m_progress.best_eval_loss == m_progress.best_eval_loss;  // not NaN
    if (m_recipe.eval.keep == KeepRule::Last || !has_best) TRY_VOID(m_validation->publish("last"));
    m_adapter = m_project.relative(m_files.adapter());
    return {};
}

Result<std::unique_ptr<Engine>> ActiveRun::open_result() {
    TRY(engine, m_make_engine(m_order.device));
    Recipe recipe = m_recipe;
    if (recipe.adapter.method == AdapterMethod::Full) {
        recipe.base.path = m_files.adapter().string();
        TRY(base, engine->prepare_base(recipe));
    } else {
        recipe.adapter.init_from = m_files.adapter().string();
        TRY(model, engine->prepare(recipe));
        TRY_VOID(check_same_base({.sha256 = m_fingerprint.base_sha256, .base = m_model->base},
                                 model.base, m_order.run_id));
    }
    return engine;
}

Result<void> ActiveRun::examine_result(TrainEnd end) {
    const bool is_finished = end == TrainEnd::Completed || end == TrainEnd::FinishNow;
    if (!is_finished || !is_examined()) return {};
    m_reporter.state(RunState::Evaluating);
    m_peak_bytes = m_engine->device_bytes_peak();
    m_engine.reset();  // two models at once may not fit
    // The result is on the disk already: a figure that cannot be measured must not fail the run.
    const auto measured = [&]() -> Result<void> {
        TRY(result, open_result());
        return examine(*result, m_progress.step);
    }();
    if (!measured.ok()) {
        m_reporter.warning("Exact match was not measured: " + measured.error().text());
    }
    return {};
}

Result<RunState> ActiveRun::finish(TrainEnd end) {
    const RunState state = state_after(end);
    if (m_engine != nullptr) m_peak_bytes = m_engine->device_bytes_peak();
    m_engine.reset();  // the device is free before the end is told
    write_source_tokens();
    write_report(state);
    TRY_VOID(m_project.store().flush());
    end_records(state);
    return state;
}

bool ActiveRun::is_stop_requested() const {
    return leaves_early(m_control.request());
}

// A stop always leaves a loadable adapter, also one that was not trained yet.
RunState ActiveRun::stop_while_preparing() {
    const TrainEnd end = end_of(m_control.request());
    if (end == TrainEnd::Discarded) {
        m_files.remove_results();
        m_adapter.clear();
        end_records(RunState::Stopped);
        return RunState::Stopped;
    }
    if (m_order.resumes) {
        // What it went on from is still there, and newer than anything this session has.
        end_records(state_after(end));
        return state_after(end);
    }
    const auto save_untrained = [&]() -> Result<RunState> {
        if (m_engine == nullptr) TRY_VOID(prepare());
        if (m_data == nullptr) m_data = std::make_shared<CompiledData>();
        TRY_VOID(save(end));
        return finish(end);
    };
    const Result<RunState> saved = save_untrained();
    if (saved.ok()) return *saved;
    m_reporter.warning("No adapter was saved: " + saved.error().text());
    end_records(RunState::Stopped);
    return RunState::Stopped;
}

RunState ActiveRun::fail(Error error) {
    if (error.code == ErrorCode::Cancelled && is_stop_requested()) return stop_while_preparing();
    m_error = error;
    if (m_order.resumes && !m_began) {
        // Its records tell of the run as it was interrupted, and stay so.
        m_reporter.listener_only(RunFailed{std::move(error)});
        return RunState::Failed;
    }
    if (m_engine != nullptr && m_model && m_progress.step > 0 && m_validation != nullptr) {
        // What was trained until here is worth keeping, if it can be.
        const Result<void> saved = save(TrainEnd::Stopped);
        if (!saved.ok()) m_reporter.warning(saved.error().text());
    }
    if (m_engine != nullptr) m_peak_bytes = m_engine->device_bytes_peak();
    m_engine.reset();
    if (m_began) write_report(RunState::Failed);
    m_reporter.tell(RunFailed{std::move(error)});
    end_records(RunState::Failed);
    return RunState::Failed;
}

void ActiveRun::end_records(RunState state) {
    RunFinished finished{.state = state,
                         .best_eval_loss = m_progress.best_eval_loss,
                         .best_step = m_progress.best_step,
                         .adapter = m_adapter,
                         .exports = {}};
    const bool is_adapter = m_recipe.adapter.method != AdapterMethod::Full;
    if (!m_adapter.empty() && is_adapter) finished.exports.emplace_back("peft", m_adapter);
    m_reporter.tell(std::move(finished));
}

void ActiveRun::write_source_tokens() {
    SourceTokens tokens{.run_id = m_order.run_id, .step = m_progress.step, .target_tokens = {}};
    for (size_t i = 0; i < m_progress.source_target_tokens.size(); ++i) {
        tokens.target_tokens.emplace_back(m_recipe.data[i].name,
                                          m_progress.source_target_tokens[i]);
    }
    m_reporter.record(std::move(tokens));
}

void ActiveRun::write_report(RunState state) {
    const RunOutcome result = outcome(state);
    const std::string text = run_report({.recipe = m_recipe,
                                         .outcome = result,
                                         .progress = m_progress,
                                         .data = m_data.get(),
                                         .model = m_model ? &*m_model : nullptr,
                                         .peak_bytes = m_peak_bytes,
                                         .device_name = m_order.device_name,
                                         .build_id = m_order.build_id});
    const Result<void> written = write_file(m_files.report(), text);
    if (!written.ok()) {
        m_reporter.warning(written.error().text());
        return;
    }
    m_reporter.record(Artifact{.run_id = m_order.run_id,
                               .kind = "report",
                               .path = m_project.relative(m_files.report()),
                               .bytes = static_cast<int64_t>(text.size())});
}

RunOutcome ActiveRun::outcome(RunState state) const {
    return {.run_id = m_order.run_id,
            .state = state,
            .error = m_error,
            .steps = m_progress.step,
            .best_eval_loss = m_progress.best_eval_loss,
            .best_step = m_progress.best_step,
            .adapter = m_adapter};
}

}  // namespace dayrun::core
