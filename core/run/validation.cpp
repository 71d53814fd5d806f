// Sums losses over the held-out micro-batches and keeps the best adapter. Lives on the run thread.
#include "core/run/validation.h"

#include <fmt/format.h>

#include <cmath>

#include "core/compile/eval_prompts.h"

namespace dayrun::core {

namespace {

constexpr int64_t kSampleTokens = 128;

void add(EvalResult& sums, const EvalResult& part) {
    sums.by_source.resize(std::max(sums.by_source.size(), part.by_source.size()));
    for (size_t i = 0; i < part.by_source.size(); ++i) {
        sums.by_source[i].loss_sum += part.by_source[i].loss_sum;
        sums.by_source[i].target_tokens += part.by_source[i].target_tokens;
    }
    sums.total.loss_sum += part.total.loss_sum;
    sums.total.target_tokens += part.total.target_tokens;
}

double mean_loss(const EvalResult::PerSource& sum) {
    return sum.loss_sum / static_cast<double>(sum.target_tokens);
}

}  // namespace

Result<std::unique_ptr<Validation>> Validation::open(const RunParts& parts) {
    std::unique_ptr<Validation> validation(new Validation(parts));
    TRY(batches, parts.data->validation_batches(parts.recipe.eval.rows.value_or(0)));
    for (PackedBatch& batch : batches) {
        if (batch.target_token_count > 0) validation->m_batches.push_back({std::move(batch)});
    }
    return validation;
}

Result<void> Validation::run() {
    RunProgress& progress = m_parts.progress;
    if (!has_rows() || progress.last_eval_step == progress.step) return {};
    m_parts.reporter.state(RunState::Evaluating);
    const Stopwatch watch;
    progress.is_eval_pending = true;
    EvalResult sums;
    TRY(is_complete, measure(sums));
    if (is_complete) {
        progress.pace.add_eval(watch.elapsed_s());
        progress.last_eval_step = progress.step;
        progress.is_eval_pending = false;
        tell(sums, watch.elapsed_ms());
        TRY_VOID(keep_best(mean_loss(sums.total)));
        TRY_VOID(write_samples());
    }
    m_parts.reporter.state(RunState::Training);
    return {};
}

// False when a request came in between.
Result<bool> Validation::measure(EvalResult& sums) {
    for (const auto& batch : m_batches) {
        if (leaves_early(m_parts.control.request())) return false;
        TRY(part, m_parts.engine.evaluate(batch, m_parts.recipe.data.size()));
        add(sums, part);
    }
    return sums.total.target_tokens > 0;
}

void Validation::tell(const EvalResult& sums, double duration_ms) {
    const RunProgress& progress = m_parts.progress;
    const auto tell_one = [&](const std::string& source, const EvalResult::PerSource& sum) {
        m_parts.reporter.tell(EvalMetrics{.step = progress.step,
                                          .epoch = progress.epoch,
                                          .source_id = source,
                                          .loss = mean_loss(sum),
                                          .target_tokens = sum.target_tokens,
                                          .duration_ms = duration_ms});
    };
    for (size_t i = 0; i < sums.by_source.size() && i < m_parts.recipe.data.size(); ++i) {
        if (sums.by_source[i].target_tokens == 0) continue;
        tell_one(m_parts.recipe.data[i].name, sums.by_source[i]);
    }
    tell_one("all", sums.total);
}

Result<void> Validation::keep_best(double loss) {
    RunProgress& progress = m_parts.progress;
    // Written so that a first loss counts and a NaN never does.
    const bool is_first = std::isnan(progress.best_eval_loss);
    if (std::isnan(loss) || (!is_first && loss >= progress.best_eval_loss)) return {};
    progress.best_eval_loss = loss;
    progress.best_step = progress.step;
    TRY_VOID(save("best"));
    return m_parts.recipe.eval.keep == KeepRule::Best ? publish("best") : Result<void>();
}

Result<void> Validation::save(const std::string& name) {
    const Stopwatch watch;
    TRY(bytes, m_parts.files.save_checkpoint(name, [&](const std::filesystem::path& folder) {
        return m_parts.engine.save_adapter(folder);
    }));
    m_parts.progress.pace.add_save(watch.elapsed_s());
    m_parts.reporter.tell(CheckpointSaved{
        .step = m_parts.progress.step,
        .path = fmt::format("runs/{}/checkpoints/{}", m_parts.reporter.run_id(), name),
        .bytes = bytes,
        .kind = name});
    return {};
}

Result<void> Validation::publish(const std::string& name) {
    TRY_VOID(m_parts.files.publish(name));
    const std::string& run_id = m_parts.reporter.run_id();
    m_parts.reporter.record(Artifact{.run_id = run_id,
                                     .kind = "adapter",
                                     .path = fmt::format("runs/{}/adapter", run_id),
                                     .bytes = folder_bytes(m_parts.files.adapter())});
    return {};
}

Result<void> Validation::write_samples() {
    const auto& prompts = m_parts.recipe.eval.prompts;
    if (prompts.empty()) return {};
    const Tokenizer* tokenizer = m_parts.tokenizer;
    if (tokenizer == nullptr) {
        m_parts.reporter.warning("eval.prompts need a tokenizer, and the base folder has none.");
        return {};
    }
    const auto encoded = encode_eval_prompts(m_parts.recipe, *tokenizer);
    if (!encoded.ok()) {
        m_parts.reporter.warning("eval.prompts: " + encoded.error().text());
        return {};
    }
    GenerateOptions options;
    options.max_new_tokens = kSampleTokens;
    if (encoded->stop_id) options.stop_ids = {*encoded->stop_id};
    options.on_token = [&](int32_t) { return m_parts.control.request() == RunRequest::None; };
    for (size_t i = 0; i < prompts.size(); ++i) {
        if (m_parts.control.request() != RunRequest::None) break;
        TRY(ids, m_parts.engine.generate(encoded->ids[i], options));
        m_parts.reporter.tell(SampleGenerated{
            .step = m_parts.progress.step, .prompt = prompts[i], .text = tokenizer->decode(ids)});
    }
    return {};
}

}  // namespace dayrun::core
