// Filters by words and expression, and lower-casing. Neighbours: where.h reads the expressions,
// data_compiler calls this for every sample.
#include "core/data/curate/filter.h"

#include <fmt/format.h>

#include "core/base/rng.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

/// Words of what the winners' scripts counted: instruction and input, or a plain text.
int64_t prompt_words(const Sample& sample) {
    if (sample.messages().empty()) return count_words(sample.field("text"));
    return count_words(sample.field("instruction")) + count_words(sample.field("input"));
}

}  // namespace

std::string_view asked_text(const Sample& sample) {
    const std::string_view input = sample.field("input");
    if (!is_blank(input)) return input;
    const std::string_view instruction = sample.field("instruction");
    return is_blank(instruction) ? sample.field("text") : instruction;
}

Result<SampleFilter> SampleFilter::make(const FilterSpec& spec, const std::string& source_name,
                                        TokenCounter tokens_of) {
    SampleFilter filter;
    filter.m_tokens_of = std::move(tokens_of);
    filter.m_spec = spec;
    filter.m_source_name = source_name;
    if (!spec.where.empty()) {
        auto where = WhereExpression::parse(spec.where);
        if (!where.ok()) {
            Error error = std::move(where).error();
            error.message = fmt::format("The filter of '{}': {}", source_name, error.message);
            return error;
        }
        if (where->counts_tokens() && !filter.m_tokens_of) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("The filter of '{}' counts tokens, and the base "
                                                "model's folder has no tokenizer.",
                                                source_name),
                         .hint = "Add the model's tokenizer files, or use words(field)."};
        }
        filter.m_where = std::make_shared<const WhereExpression>(std::move(where).value());
    }
    return filter;
}

Result<std::string> SampleFilter::reason(const Sample& sample) const {
    if (m_spec.min_words || m_spec.max_words) {
        const int64_t words = prompt_words(sample);
        if (m_spec.min_words && words < *m_spec.min_words) {
            return fmt::format("fewer than {} words", *m_spec.min_words);
        }
        if (m_spec.max_words && words > *m_spec.max_words) {
            return fmt::format("more than {} words", *m_spec.max_words);
        }
    }
    if (m_spec.min_input_words || m_spec.max_input_words) {
        const int64_t words = count_words(asked_text(sample));
        if (m_spec.min_input_words && words < *m_spec.min_input_words) {
            return fmt::format("input of fewer than {} words", *m_spec.min_input_words);
        }
        if (m_spec.max_input_words && words > *m_spec.max_input_words) {
            return fmt::format("input of more than {} words", *m_spec.max_input_words);
        }
    }
    if (m_where) {
        auto keeps = m_where->matches(sample, m_tokens_of);
        if (!keeps.ok()) {
            Error error = std::move(keeps).error();
            error.message = fmt::format("The filter of '{}': {}", m_source_name, error.message);
            return error;
        }
        if (!*keeps) return std::string("left out by `where`");
    }
    return std::string();
}

void lowercase_input(Sample& sample, double share, uint64_t seed) {
    if (share <= 0.0) return;
    Rng rng(seed ^ sample.sample_id, "lowercase");
    if (rng.uniform() >= share) return;
    const std::string input(sample.field("input"));
    if (input.empty()) return;
    const std::string lower = to_lower(input);
    for (size_t i = 0; i < sample.messages().size(); ++i) {
        const Message message = sample.messages()[i];
        if (message.role != Role::User || !message.content.ends_with(input)) continue;
        const std::string before(message.content.substr(0, message.content.size() - input.size()));
        sample.set_content(i, before + lower);
        break;
    }
    sample.set_field("input", lower);
}

}  // namespace dayrun::core
