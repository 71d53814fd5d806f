// DecoderEngine::logprobs: every next token's log-probability through the code that trains, and on
// request all logits and the adapter's gradients. Neighbour: decoder_engine.cpp.
#include <algorithm>
#include <limits>

#include "core/engine/decoder_engine.h"
#include "core/engine/long_texts.h"
#include "core/engine/model/checkpoint.h"
#include "core/model/safetensors.h"

namespace dayrun::engine {
namespace {

using core::Result;

// Of rows without a supervised token; 0 would look like a perfect model.
constexpr double kNoLoss = std::numeric_limits<double>::quiet_NaN();

/// Logits of all rows, in one tensor [rows, T, V] when the rows are equally long, else one each.
Result<void> write_logits(const std::filesystem::path& path,
                          const std::vector<std::vector<float>>& logits, int64_t vocab) {
    std::vector<core::TensorToWrite> tensors;
    const auto rows = static_cast<int64_t>(logits.size());
    const bool equal = std::all_of(logits.begin(), logits.end(), [&](const auto& row) {
        return row.size() == logits.front().size();
    });
    std::vector<float> joined;
    if (equal && rows > 0) {
        for (const auto& row : logits) joined.insert(joined.end(), row.begin(), row.end());
        const auto length = static_cast<int64_t>(logits.front().size()) / vocab;
        tensors.push_back({.name = "logits",
                           .shape = {rows, length, vocab},
                           .bytes = std::as_bytes(std::span(joined))});
    } else {
        for (int64_t i = 0; i < rows; ++i) {
            const auto& row = logits[static_cast<size_t>(i)];
            tensors.push_back({.name = "logits." + std::to_string(i),
                               .shape = {static_cast<int64_t>(row.size()) / vocab, vocab},
                               .bytes = std::as_bytes(std::span(row))});
        }
    }
    return core::write_safetensors(path, tensors);
}

// Targets of every position that has a next token in its document, trained or not.
std::vector<int32_t> all_next_tokens(const core::PackedBatch& batch) {
    std::vector<int32_t> targets(batch.tokens.size(), core::kIgnoreLabel);
    for (size_t i = 0; i + 1 < batch.cu_seqlens.size(); ++i) {
        for (int32_t t = batch.cu_seqlens[i]; t + 1 < batch.cu_seqlens[i + 1]; ++t) {
            targets[static_cast<size_t>(t)] = batch.tokens[static_cast<size_t>(t) + 1];
        }
    }
    return targets;
}

}  // namespace

double DecoderEngine::score(const core::PackedBatch& batch, std::vector<float>& logprobs,
                            std::vector<float>* logits) {
    const HiddenState hidden = m_decoder->forward(stage_batch(batch));
    for (const float loss : m_head->losses(hidden, StagedTargets(all_next_tokens(batch)))) {
        logprobs.push_back(-loss);
    }
    if (logits != nullptr) {
        const auto tokens = static_cast<int64_t>(batch.tokens.size());
        const size_t before = logits->size();
        logits->resize(before + static_cast<size_t>(tokens * m_base->config().vocab_size));
        m_head->logits(hidden, 0, tokens, logits->data() + before);
    }
    // A label may differ from the token that follows: the loss is that of the labels.
    double sum = 0;
    if (batch.target_token_count > 0) {
        for (const float loss : m_head->losses(hidden, StagedTargets(batch.targets))) sum += loss;
    }
    return sum;
}

Result<core::LogprobsResult> DecoderEngine::logprobs(const std::vector<core::PackedRow>& rows,
                                                     const std::filesystem::path& logits_out,
                                                     const std::filesystem::path& grads_out) {
    return in_engine("compute log-probabilities", [&]() -> Result<core::LogprobsResult> {
        TRY_VOID(check_ready());
        const int64_t vocab = m_base->config().vocab_size;
        core::LogprobsResult result;
        std::vector<core::PackedBatch> batches;
        std::vector<std::vector<float>> logits;
        double sum = 0;
        int64_t count = 0;
        for (const core::PackedRow& row : rows) {
            const core::PackedBatch& batch = batches.emplace_back(core::make_batch({row}, 0));
            TRY_VOID(check_batch(batch));
            auto& row_logprobs = result.logprobs.emplace_back();
            std::vector<float>* const row_logits =
                logits_out.empty() ? nullptr : &logits.emplace_back();
            double row_sum = 0;
            for_each_part(m_base->config(), batch, [&](const core::PackedBatch& part) {
                row_sum += score(part, row_logprobs, row_logits);
            });
            const auto row_count = static_cast<double>(batch.target_token_count);
            result.row_loss.push_back(row_count > 0 ? row_sum / row_count : kNoLoss);
            sum += row_sum;
            count += batch.target_token_count;
        }
        result.loss = count > 0 ? sum / static_cast<double>(count) : kNoLoss;
        if (count > 0) TRY_VOID(check_finite(result.loss));
        if (!logits_out.empty()) TRY_VOID(write_logits(logits_out, logits, vocab));
        if (grads_out.empty()) return result;
        if (count == 0) {
            return core::Error{.code = core::ErrorCode::BadData,
                               .message =
                                   "The rows have no supervised token, so there is no loss "
                                   "to take gradients of.",
                               .hint = "Give labels other than -100."};
        }
        drop_gradients();
        for (const core::PackedBatch& batch : batches) {
            // Without dropout and noise: the gradients of the loss that is printed (of Qwen 1
            // beyond its training length: of the loss that it is trained with).
            TRY_VOID(accumulate_batch(batch, static_cast<double>(count), {}));
        }
        TRY_VOID(save_gradients(grads_out, *m_model.parameters));
        drop_gradients();
        return result;
    });
}

}  // namespace dayrun::engine
