// The generation loop and the choice of a token. Neighbour: generate.h.
#include "core/engine/generate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>

#include "kernels/few_rows/few_rows.h"

namespace dayrun::engine {
namespace {

using core::GenerateOptions;
using core::GenerateRequest;

/// Candidates for the next id, and their weights.
struct Candidates {
    std::vector<int32_t> ids;
    std::vector<double> weights;
    double total = 0;

    int32_t draw(core::Rng& rng) const {
        double left = rng.uniform() * total;
        for (size_t i = 0; i < ids.size(); ++i) {
            left -= weights[i];
            if (left < 0) return ids[i];
        }
        return ids.back();
    }
};

// Moves the `count` highest to the front, in order; equal logits by id, so that results repeat.
void rank(std::vector<int32_t>& ids, const std::vector<float>& logits, size_t count) {
    const auto higher = [&](int32_t a, int32_t b) {
        const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
        return x != y ? x > y : a < b;
    };
    std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(),
                      higher);
}

// The fewest of the highest ids that hold top_p of the weight. Few are needed as a rule, and
// sorting a whole vocabulary costs more than the model's last product.
void cut_to_top_p(Candidates& all, const std::vector<float>& logits, double top_p) {
    std::vector<double> weight_of(logits.size());
    for (size_t i = 0; i < all.ids.size(); ++i) {
        weight_of[static_cast<size_t>(all.ids[i])] = all.weights[i];
    }
    Candidates kept;
    for (size_t ranked = std::min<size_t>(64, all.ids.size());;
         ranked = std::min(4 * ranked, all.ids.size())) {
        rank(all.ids, logits, ranked);
        kept = {};
        // The highest always stays, also with top_p 0.
        while (kept.ids.size() < ranked && (kept.ids.empty() || kept.total < top_p * all.total)) {
            const int32_t id = all.ids[kept.ids.size()];
            kept.ids.push_back(id);
            kept.weights.push_back(weight_of[static_cast<size_t>(id)]);
            kept.total += kept.weights.back();
        }
        if (kept.total >= top_p * all.total || ranked == all.ids.size()) break;
    }
    all = std::move(kept);
}

Candidates candidates_of(const std::vector<float>& logits, const GenerateOptions& options) {
    Candidates all;
    all.ids.resize(logits.size());
    std::iota(all.ids.begin(), all.ids.end(), 0);
    if (options.top_k > 0 && options.top_k < static_cast<int64_t>(logits.size())) {
        rank(all.ids, logits, static_cast<size_t>(options.top_k));
        all.ids.resize(static_cast<size_t>(options.top_k));
    }
    const double highest = *std::max_element(logits.begin(), logits.end());
    for (const int32_t id : all.ids) {
        all.weights.push_back(
            std::exp((logits[static_cast<size_t>(id)] - highest) / options.temperature));
        all.total += all.weights.back();
    }
    if (options.top_p < 1) cut_to_top_p(all, logits, options.top_p);
    return all;
}

/// One text on its way: its tokens, their cache and the ids made so far.
struct Text {
    const GenerateRequest* request;
    std::vector<int32_t>* made;  // where its result goes
    std::vector<int32_t> tokens;
    KvCache cache;
    int64_t ntk_alpha = 1;
    core::Rng rng;

    /// Takes the next id; false when the text has ended.
    bool take(const std::vector<float>& logits) {
        const GenerateOptions& options = request->options;
        const int32_t id = choose_token(logits, options, rng);
        const auto& stops = options.stop_ids;
        if (std::find(stops.begin(), stops.end(), id) != stops.end()) return false;
        made->push_back(id);
        tokens.push_back(id);
        if (options.on_token && !options.on_token(id)) return false;
        return static_cast<int64_t>(made->size()) < options.max_new_tokens;
    }
};

class Generation {
  public:
    Generation(Decoder& decoder, LossHead& head)
        : m_decoder(decoder),
          m_head(head),
          m_config(decoder.weights().config),
          m_logits(static_cast<size_t>(m_config.vocab_size)) {}

    core::Result<std::vector<std::vector<int32_t>>> run(
        const std::vector<GenerateRequest>& requests) {
        std::vector<std::vector<int32_t>> made(requests.size());
        size_t next = 0;
        while (next < requests.size() || !m_texts.empty()) {
            const bool has_room = static_cast<int64_t>(m_texts.size()) < kernels::kFewRows;
            if (has_room && next < requests.size()) {
                start(requests[next], made[next]);
                ++next;
            } else {
                step();
            }
        }
        if (!m_has_numbers) {
            return core::Error{.code = core::ErrorCode::NotFinite,
                               .message = "The model gives logits that are not numbers.",
                               .hint = "The base or the adapter is damaged: get it again."};
        }
        return made;
    }

  private:
    // A text cannot go on from logits that are not numbers; the whole call fails then.
    bool take(Text& text) {
        const auto is_nan = [](float logit) { return std::isnan(logit); };
        m_has_numbers = m_has_numbers && std::none_of(m_logits.begin(), m_logits.end(), is_nan);
        return m_has_numbers && text.take(m_logits);
    }

    void start(const GenerateRequest& request, std::vector<int32_t>& made) {
        const GenerateOptions& options = request.options;
        if (options.max_new_tokens <= 0) return;
        const auto capacity = static_cast<int64_t>(request.prompt.size()) + options.max_new_tokens;
        auto text = std::make_unique<Text>(Text{.request = &request,
                                                .made = &made,
                                                .tokens = request.prompt,
                                                .cache = KvCache(m_decoder.weights(), capacity),
                                                .rng = core::Rng(options.seed, "generate")});
        if (prefill(*text)) m_texts.push_back(std::move(text));
    }

    /// All tokens of a text so far, and its next one; false when it has ended.
    bool prefill(Text& text) {
        text.ntk_alpha = alpha_of(text);
        text.cache.clear();
        const HiddenState hidden = m_decoder.prefill(text.tokens, text.cache, text.ntk_alpha);
        m_head.logits(hidden, hidden.delta.rows - 1, 1, m_logits.data());
        return take(text);
    }

    int64_t alpha_of(const Text& text) const {
        return dynamic_ntk_alpha(m_config, static_cast<int64_t>(text.tokens.size()));
    }

    /// The next token of every text.
    void step() {
        std::map<int64_t, std::vector<Text*>> by_alpha;
        std::vector<const Text*> ended;
        for (const auto& text : m_texts) {
            if (alpha_of(*text) == text->ntk_alpha) {
                by_alpha[text->ntk_alpha].push_back(text.get());
            } else if (!prefill(*text)) {
                // All its keys turned with the new base: they were made again.
                ended.push_back(text.get());
            }
        }
        for (const auto& [alpha, texts] : by_alpha) decode(texts, alpha, ended);
        std::erase_if(m_texts, [&](const auto& text) {
            return std::find(ended.begin(), ended.end(), text.get()) != ended.end();
        });
    }

    void decode(const std::vector<Text*>& texts, int64_t alpha, std::vector<const Text*>& ended) {
        std::vector<int32_t> tokens;
        std::vector<KvCache*> caches;
        for (Text* text : texts) {
            tokens.push_back(text->tokens.back());
            caches.push_back(&text->cache);
        }
        const HiddenState hidden = m_decoder.decode(tokens, caches, alpha);
        std::vector<float> logits(texts.size() * m_logits.size());
        m_head.logits(hidden, 0, static_cast<int64_t>(texts.size()), logits.data());
        for (size_t i = 0; i < texts.size(); ++i) {
            const auto first = logits.begin() + static_cast<std::ptrdiff_t>(i * m_logits.size());
            std::copy_n(first, m_logits.size(), m_logits.begin());
            if (!take(*texts[i])) ended.push_back(texts[i]);
        }
    }

    Decoder& m_decoder;
    LossHead& m_head;
    const core::ModelConfig& m_config;
    std::vector<std::unique_ptr<Text>> m_texts;
    std::vector<float> m_logits;
    bool m_has_numbers = true;
};

}  // namespace

int32_t choose_token(const std::vector<float>& logits, const GenerateOptions& options,
                     core::Rng& rng) {
    if (options.temperature > 0) return candidates_of(logits, options).draw(rng);
    return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

core::Result<std::vector<std::vector<int32_t>>> generate_texts(
    Decoder& decoder, LossHead& head, const std::vector<GenerateRequest>& requests) {
    return Generation(decoder, head).run(requests);
}

}  // namespace dayrun::engine
