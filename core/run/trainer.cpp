// Optimizer steps, one after the other. Lives on the run thread; requests are read between
// micro-batches, so a stop is answered within one of them.
#include "core/run/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "core/events/event_json.h"

namespace dayrun::core {

namespace {

// Three losses in a row that are no number are no accident any more.
constexpr int64_t kStrikes = 3;
constexpr size_t kSampleIdsShown = 20;
constexpr double kCardSeconds = 60;

// "gsm8k row 17, …": so that a person can look at what broke the step.
std::string samples_of(const std::vector<StreamedBatch>& batches, const Recipe& recipe,
                       size_t most) {
    std::set<std::pair<uint32_t, uint64_t>> samples;
    for (const StreamedBatch& streamed : batches) {
        for (const DocumentSpan& span : streamed.batch.documents) {
            samples.emplace(span.source_index, span.sample_id);
        }
    }
    std::string text;
    size_t shown = 0;
    for (const auto& [source, sample] : samples) {
        if (++shown > most) break;
        const std::string name =
            source < recipe.data.size() ? recipe.data[source].name : std::to_string(source);
        text += fmt::format("{}{}:{:x}", text.empty() ? "" : ", ", name, sample);
    }
    if (samples.size() > most) text += fmt::format(" and {} more", samples.size() - most);
    return text;
}

}  // namespace

Trainer::Trainer(const RunParts& parts, BatchStream& stream, Validation& validation)
    : m_parts(parts),
      m_stream(stream),
      m_validation(validation),
      m_schedule(parts.recipe.schedule, parts.progress.total_steps),
      m_moments(parts.recipe.eval.every),
      m_earlier_since_eval_s(parts.progress.clock.since_eval_s) {}

Result<TrainEnd> Trainer::run() {
    TRY(end, train());
    if (end == TrainEnd::Completed || end == TrainEnd::FinishNow) {
        TRY_VOID(m_validation.run());
        if (m_parts.progress.is_eval_pending) end = end_of(m_parts.control.request());
    }
    const bool is_kept = end == TrainEnd::Parked || end == TrainEnd::Stopped;
    if (is_kept && m_saved_step != m_parts.progress.step) TRY_VOID(save_resume_point());
    return end;
}

Result<TrainEnd> Trainer::train() {
    RunProgress& progress = m_parts.progress;
    const double base_rate = m_parts.recipe.optimizer.learning_rate;
    if (progress.is_eval_pending) TRY_VOID(m_validation.run());
    m_since_told = Stopwatch();
    while (started_steps() < progress.total_steps) {
        if (const auto end = requested_end()) {
            TRY_VOID(settle(0));
            return *end;
        }
        const double waited_before = m_stream.data_wait_ms();
        auto group = next_group();
        if (!group.ok()) {
            TRY_VOID(settle(0));
            // A request may come while a damaged cache is built anew.
            const auto end = requested_end();
            if (end && group.error().code == ErrorCode::Cancelled) return *end;
            // Nothing is wrong with what was trained: --continue goes on from here.
            const auto saved = save_resume_point();
            if (!saved.ok()) m_parts.reporter.warning(saved.error().text());
            return group.error();
        }
        const double data_wait_ms = m_stream.data_wait_ms() - waited_before;
        // ---- hot loop: no logging, no records, no waiting for the device ----
        TRY(end, accumulate(*group));
        if (end) {
            m_parts.engine.drop_gradients();
            TRY_VOID(settle(0));
            return *end;
        }
        const double learning_rate = base_rate * m_schedule.multiplier(started_steps());
        TRY_VOID(start(std::move(*group), learning_rate, data_wait_ms));
        // ---- end of the hot loop: a device's step is told while it works on the next one ----
        const bool settles = must_settle();
        TRY_VOID(settle(settles ? 0 : m_parts.engine.steps_behind()));
        if (!settles) continue;
        TRY(early_end, after_step());
        if (early_end) return *early_end;
        m_since_told = Stopwatch();  // a validation or a checkpoint is no part of the next step
    }
    return TrainEnd::Completed;
}

int64_t Trainer::started_steps() const {
    return m_parts.progress.step + static_cast<int64_t>(m_started.size());
}

bool Trainer::must_settle() const {
    if (m_parts.engine.steps_behind() == 0) return true;
    const int64_t step = started_steps();
    const bool is_end_of_epoch = m_started.back().group.batches.back().is_last_of_epoch();
    return step >= m_parts.progress.total_steps || m_parts.control.request() != RunRequest::None ||
           m_moments.is_due(step, is_end_of_epoch, since_eval_s() / 60) || is_checkpoint_due() ||
           is_budget_spent();
}

Result<void> Trainer::settle(int64_t behind) {
    while (static_cast<int64_t>(m_started.size()) > behind) {
        const Started step = std::move(m_started.front());
        m_started.pop_front();
        StepOutcome outcome{
            .loss = std::numeric_limits<double>::quiet_NaN(), .grad_norm = 0, .skipped = true};
        // A step without a single supervised token changed nothing; it is told as skipped.
        if (step.group.target_tokens > 0) {
            TRY(finished, m_parts.engine.finish_step());
            outcome = finished;
        }
        const double step_ms = m_since_told.elapsed_ms();
        m_since_told = Stopwatch();
        m_parts.progress.pace.add_step(step_ms / 1000);
        tell(step.group, outcome, step.learning_rate, step_ms, step.data_wait_ms);
        TRY_VOID(check_finite(step.group, outcome));
        TRY_VOID(m_parts.reporter.health());
    }
    tell_card();
    return {};
}

void Trainer::tell_card() {
    if (m_parts.card == nullptr) return;
    if (m_since_card && m_since_card->elapsed_s() < kCardSeconds) return;
    m_since_card = Stopwatch();
    m_parts.reporter.tell(
        LogLine{"debug", fmt::format("The card: {}.", to_text(m_parts.card->read()))});
}

// The loss is divided once by the step's supervised tokens over ALL its micro-batches, so they must
// be known before the first backward. An epoch's last group may be partial, and is stepped.
Result<Trainer::Group> Trainer::next_group() {
    Group group;
    const auto wanted = static_cast<size_t>(m_parts.recipe.batch.gradient_accumulation_steps);
    while (group.batches.size() < wanted) {
        TRY(streamed, m_stream.next());
        group.tokens += static_cast<int64_t>(streamed.batch.tokens.size());
        group.target_tokens += streamed.batch.target_token_count;
        group.slot_tokens += streamed.batch.slot_tokens;
        if (streamed.batch.target_token_count > 0) ++group.trained_batches;
        const bool is_last = streamed.is_last_of_epoch();
        group.batches.push_back(std::move(streamed));
        if (is_last) break;
    }
    return group;
}

std::optional<TrainEnd> Trainer::requested_end() {
    const RunRequest request = m_parts.control.request();
    if (request == RunRequest::None) return std::nullopt;
    return end_of(request);
}

double Trainer::loss_divisor(const Group& group, const PackedBatch& batch) const {
    if (m_parts.recipe.batch.loss_mean == LossMean::Tokens) {
        return static_cast<double>(group.target_tokens);
    }
    return static_cast<double>(batch.target_token_count) *
           static_cast<double>(group.trained_batches);
}

// A card that runs out of memory gets the step again, whole, under a leaner plan.
Result<std::optional<TrainEnd>> Trainer::accumulate(const Group& group) {
    std::optional<TrainEnd> end;
    while (true) {
        const Result<void> done = accumulate_all(group, end);
        if (done.ok()) return end;
        if (done.error().code != ErrorCode::OutOfGpuMemory) return done.error();
        TRY_VOID(settle(0));  // the steps before fitted
        if (!m_parts.engine.make_leaner()) return done.error();
        m_parts.engine.drop_gradients();
        m_parts.reporter.warning(fmt::format(
            "Step {} did not fit the card; it is tried again with more recomputation. {}",
            started_steps() + 1, done.error().message));
    }
}

Result<void> Trainer::accumulate_all(const Group& group, std::optional<TrainEnd>& end) {
    for (const StreamedBatch& streamed : group.batches) {
        end = requested_end();
        if (end) return {};
        if (streamed.batch.target_token_count == 0) continue;
        TRY_VOID(m_parts.engine.accumulate(streamed.batch, loss_divisor(group, streamed.batch)));
    }
    return {};
}

Result<void> Trainer::start(Group group, double learning_rate, double data_wait_ms) {
    if (group.target_tokens > 0) TRY_VOID(m_parts.engine.start_step(learning_rate));
    m_started.push_back({std::move(group), learning_rate, data_wait_ms});
    return {};
}

void Trainer::tell(const Group& group, const StepOutcome& outcome, double learning_rate,
                   double step_ms, double data_wait_ms) {
    RunProgress& progress = m_parts.progress;
    const StreamedBatch& last = group.batches.back();
    if (++progress.step == 1) progress.first_loss = outcome.loss;
    progress.last_loss = outcome.loss;
    progress.stream_position = last.batch.batch_index + 1;
    progress.is_end_of_epoch = last.is_last_of_epoch();
    progress.epoch = static_cast<double>(last.epoch) +
                     static_cast<double>(last.batch_in_epoch + 1) /
                         static_cast<double>(std::max<int64_t>(1, last.batches_in_epoch));
    for (const StreamedBatch& streamed : group.batches) {
        const PackedBatch& batch = streamed.batch;
        for (const DocumentSpan& span : batch.documents) {
            if (span.source_index >= progress.source_target_tokens.size()) continue;
            progress.source_target_tokens[span.source_index] +=
                std::count_if(batch.targets.begin() + span.begin, batch.targets.begin() + span.end,
                              [](int32_t target) { return target != kIgnoreLabel; });
        }
    }
    const int64_t evals = m_validation.has_rows()
                              ? m_moments.remaining(progress.step, progress.total_steps,
                                                    progress.epoch, m_parts.recipe.batch.epochs)
                              : 0;
    m_parts.reporter.tell(StepMetrics{
        .step = progress.step,
        .epoch = progress.epoch,
        .loss = outcome.loss,
        .loss_z = progress.outliers.z_score(outcome.loss),
        .grad_norm = outcome.grad_norm,
        .learning_rate = learning_rate,
        .target_tokens = group.target_tokens,
        .slot_tokens = group.slot_tokens,
        .tokens_per_second = static_cast<double>(group.tokens) / std::max(1e-9, step_ms / 1000),
        .step_ms = step_ms,
        .data_wait_ms = data_wait_ms,
        .device_bytes_peak = m_parts.engine.device_bytes_peak(),
        .wall_s = progress.clock.wall_s(),
        .device_s = progress.pace.device_s(),
        .eta_s = progress.pace.eta_s(progress.total_steps - progress.step, evals),
        .skipped = outcome.skipped});
}

Result<void> Trainer::check_finite(const Group& group, const StepOutcome& outcome) {
    int64_t& skipped_in_a_row = m_parts.progress.skipped_in_a_row;
    if (!outcome.skipped) {
        skipped_in_a_row = 0;
        return {};
    }
    const int64_t step = m_parts.progress.step;
    const std::string samples = samples_of(group.batches, m_parts.recipe, kSampleIdsShown);
    if (group.target_tokens == 0) {
        m_parts.reporter.warning(fmt::format(
            "Step {} has no trained token and was skipped; its samples: {}.", step, samples));
        return {};
    }
    m_parts.reporter.warning(
        fmt::format("Step {} was not applied: its loss ({}) or gradient norm ({}) is not a number; "
                    "its samples: {}.",
                    step, outcome.loss, outcome.grad_norm, samples));
    // The log shows the first ones; the records keep all of them.
    m_parts.reporter.record_only(
        LogLine{"debug", fmt::format("All samples of step {}, which was not applied: {}.", step,
                                     samples_of(group.batches, m_parts.recipe,
                                                std::numeric_limits<size_t>::max()))});
    if (++skipped_in_a_row < kStrikes) return {};
    return Error{.code = ErrorCode::NotFinite,
                 .message = fmt::format("{} steps in a row, up to step {}, gave a loss or gradient "
                                        "that is not a number.",
                                        kStrikes, step),
                 .hint = "Lower optimizer.learning_rate, or look at the samples named in the log."};
}

Result<std::optional<TrainEnd>> Trainer::after_step() {
    RunProgress& progress = m_parts.progress;
    if (m_moments.is_due(progress.step, progress.is_end_of_epoch, since_eval_s() / 60)) {
        TRY_VOID(m_validation.run());
        m_since_eval = Stopwatch();
        m_earlier_since_eval_s = 0;
    }
    if (is_checkpoint_due()) {
        TRY_VOID(save_resume_point());
        m_since_checkpoint = Stopwatch();
    }
    if (is_budget_spent() && progress.step < progress.total_steps) {
        m_parts.reporter.warning(fmt::format(
            "The budget of {} h is spent at step {} of {}: validating, saving and finishing.",
            m_parts.recipe.budget.max_hours, progress.step, progress.total_steps));
        return std::optional(TrainEnd::FinishNow);
    }
    return std::optional<TrainEnd>();
}

bool Trainer::is_checkpoint_due() const {
    return m_since_checkpoint.elapsed_s() >= 60 * m_parts.recipe.checkpoint.every_minutes;
}

double Trainer::since_eval_s() const {
    return m_earlier_since_eval_s + m_since_eval.elapsed_s();
}

// What is needed to go on from here: adapter, optimizer, the best adapter so far and the place in
// the data.
Result<void> Trainer::save_resume_point() {
    RunProgress& progress = m_parts.progress;
    progress.clock.since_eval_s = since_eval_s();
    const Stopwatch watch;
    const std::string name = fmt::format("step-{:08}", progress.step);
    const auto write = [&](const std::filesystem::path& folder) -> Result<void> {
        TRY_VOID(m_parts.engine.save_adapter(folder));
        TRY_VOID(m_parts.engine.save_state(folder));
        TRY_VOID(m_parts.files.keep_best_in(folder));
        return seal_resume_point(folder, progress, m_parts.fingerprint);
    };
    TRY(bytes, m_parts.files.save_checkpoint(name, write));
    m_saved_step = progress.step;
    progress.pace.add_save(watch.elapsed_s());
    m_parts.reporter.tell(CheckpointSaved{
        .step = progress.step,
        .path = fmt::format("runs/{}/checkpoints/{}", m_parts.reporter.run_id(), name),
        .bytes = bytes,
        .kind = "resume"});
    m_parts.files.prune(m_parts.recipe.checkpoint.keep);
    return {};
}

// Time for the last validation and save is part of the budget.
bool Trainer::is_budget_spent() const {
    const RunPace& pace = m_parts.progress.pace;
    const double reserve_s = pace.eval_s() + 2 * pace.save_s() + pace.step_s();
    // Pauses do not use up the budget; what ran in earlier sessions does.
    const double running_s = m_parts.progress.clock.running_s();
    return running_s + reserve_s >= 3600 * m_parts.recipe.budget.max_hours;
}

}  // namespace dayrun::core
