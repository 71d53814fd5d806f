// The generation loop and the choice of a token. Neighbour: generate.h.
#include "core/engine/generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dayrun::engine {
namespace {

// Highest first; equal logits by id, so that results repeat.
std::vector<int32_t> ranked(const std::vector<float>& logits, int64_t count) {
    std::vector<int32_t> ids(logits.size());
    std::iota(ids.begin(), ids.end(), 0);
    const auto higher = [&](int32_t a, int32_t b) {
        const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
        return x != y ? x > y : a < b;
    };
    std::partial_sort(ids.begin(), ids.begin() + count, ids.end(), higher);
    ids.resize(static_cast<size_t>(count));
    return ids;
}

}  // namespace

int32_t choose_token(std::vector<float>& logits, const core::GenerateOptions& options,
                     core::Rng& rng) {
    const auto vocab = static_cast<int64_t>(logits.size());
    if (options.temperature <= 0) {
        return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) -
                                    logits.begin());
    }
    const bool cut = options.top_k > 0 && options.top_k < vocab;
    const std::vector<int32_t> ids = ranked(logits, cut ? options.top_k : vocab);
    std::vector<double> weights;
    const double highest = logits[static_cast<size_t>(ids.front())];
    double total = 0;
    for (const int32_t id : ids) {
        weights.push_back(
            std::exp((logits[static_cast<size_t>(id)] - highest) / options.temperature));
        total += weights.back();
    }
    // The fewest ids that hold top_p of the weight, at least one.
    size_t kept = 0;
    double held = 0;
    while (kept < ids.size() && (kept == 0 || held < options.top_p * total)) {
        held += weights[kept++];
    }
    double left = rng.uniform() * held;
    for (size_t i = 0; i < kept; ++i) {
        left -= weights[i];
        if (left < 0) return ids[i];
    }
    return ids[kept - 1];
}

std::vector<int32_t> generate_tokens(Decoder& decoder, LossHead& head,
                                     const std::vector<int32_t>& prompt,
                                     const core::GenerateOptions& options) {
    const auto capacity = static_cast<int64_t>(prompt.size()) + options.max_new_tokens;
    KvCache cache(decoder.weights(), capacity);
    std::vector<float> logits(static_cast<size_t>(decoder.weights().config.vocab_size));
    core::Rng rng(options.seed, "generate");
    std::vector<int32_t> made, next = prompt;
    while (static_cast<int64_t>(made.size()) < options.max_new_tokens) {
        const HiddenState hidden = decoder.forward_cached(next, cache);
        head.logits(hidden, hidden.delta.rows - 1, 1, logits.data());
        const int32_t id = choose_token(logits, options, rng);
        const auto& stops = options.stop_ids;
        if (std::find(stops.begin(), stops.end(), id) != stops.end()) break;
        made.push_back(id);
        if (options.on_token && !options.on_token(id)) break;
        next = {id};
    }
    return made;
}

}  // namespace dayrun::engine
