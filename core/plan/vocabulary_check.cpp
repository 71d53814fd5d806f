// A source's largest id is known since its cache was made. Neighbour: vocabulary_check.h.
#include "core/plan/vocabulary_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/units.h"
#include "core/compile/eval_prompts.h"
#include "core/model/recipe_base.h"

namespace dayrun::core {

namespace {

constexpr size_t kOffendersShown = 10;

/// Looks for ids from `vocab_size` on and writes down where they are.
class IdSearch {
  public:
    IdSearch(const CompiledData& data, int64_t vocab_size, PreflightCheck& check)
        : m_data(data), m_vocab_size(vocab_size), m_check(check) {}

    Result<void> look_at_rows() {
        const auto is_beyond = [&](const SourceReport& source) {
            return source.max_token_id >= m_vocab_size;
        };
        if (std::none_of(m_data.sources.begin(), m_data.sources.end(), is_beyond)) return {};
        const std::vector<SampleRef> train = m_data.train_samples();
        for (const auto* samples : {&train, &m_data.validation_samples(), &m_data.test_samples()}) {
            for (const SampleRef ref : *samples) {
                if (!is_beyond(m_data.sources[ref.source_index])) continue;
                TRY(sample, m_data.read_sample(ref));
                const std::string place = m_data.place_of(ref);
                const bool is_found = note(sample.tokens, "token", place);
                m_rows += is_found || note(sample.labels, "label", place) ? 1 : 0;
            }
        }
        return {};
    }

    void look_at(const EvalPrompts& prompts) {
        for (size_t i = 0; i < prompts.ids.size(); ++i) {
            const std::string place = fmt::format("prompt {} of eval.prompts", i + 1);
            m_prompts += note(prompts.ids[i], "token", place) ? 1 : 0;
        }
    }

    /// "2 rows and 1 prompt hold".
    std::string who() const {
        std::string text;
        if (m_rows > 0) text = count_of(m_rows, "row");
        if (m_rows > 0 && m_prompts > 0) text += " and ";
        if (m_prompts > 0) text += count_of(m_prompts, "prompt");
        return text + (m_rows + m_prompts == 1 ? " holds" : " hold");
    }

  private:
    bool note(const std::vector<int32_t>& ids, const char* what, const std::string& place) {
        const auto is_beyond = [&](int32_t id) { return id >= m_vocab_size; };
        const auto found = std::find_if(ids.begin(), ids.end(), is_beyond);
        if (found == ids.end()) return false;
        if (m_check.count++ == 0) {
            m_check.message = fmt::format("{} has the {} id {}", place, what, *found);
        }
        if (m_check.offenders.size() < kOffendersShown) {
            m_check.offenders.push_back(fmt::format("{}: {} id {}", place, what, *found));
        }
        return true;
    }

    const CompiledData& m_data;
    int64_t m_vocab_size;
    PreflightCheck& m_check;
    int64_t m_rows = 0, m_prompts = 0;
};

}  // namespace

Result<std::optional<PreflightCheck>> check_vocabulary(const Recipe& recipe,
                                                       const CompiledData& data,
                                                       const Tokenizer* tokenizer) {
    const auto config = read_base_config(recipe);
    if (!config.ok()) return std::optional<PreflightCheck>();
    PreflightCheck check;
    check.name = "token ids";
    IdSearch search(data, config->vocab_size, check);
    TRY_VOID(search.look_at_rows());
    if (tokenizer != nullptr && !recipe.eval.prompts.empty()) {
        // A prompt that cannot be encoded is told where it is asked.
        const auto prompts = encode_eval_prompts(recipe, *tokenizer);
        if (prompts.ok()) search.look_at(*prompts);
    }
    const std::string ids = count_of(config->vocab_size, "id");
    if (check.count == 0) {
        check.message = fmt::format("All token ids are among the base's {}.", ids);
        return std::optional(std::move(check));
    }
    check.level = CheckLevel::Red;
    check.message = fmt::format("{} an id that is none of the base's {}: {}.", search.who(), ids,
                                check.message);
    check.hint =
        "Use the tokenizer and the rows that belong to this base, or another base; single rows are "
        "left out with drop_rows.";
    return std::optional(std::move(check));
}

}  // namespace dayrun::core
