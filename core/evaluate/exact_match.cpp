// Greedy answers against references. Neighbour: exact_match.h.
#include "core/evaluate/exact_match.h"

#include <algorithm>

namespace dayrun::core {
namespace {

// A model that has not learned to stop would otherwise fill its whole context.
constexpr int64_t kSpareTokens = 8;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Question question_of(const TokenizedSample& sample, std::optional<int32_t> stop_id) {
    const auto is_trained = [](int32_t label) { return label != kIgnoreLabel; };
    const auto first = std::find_if(sample.labels.begin(), sample.labels.end(), is_trained);
    const auto last = std::find_if_not(first, sample.labels.end(), is_trained);
    const auto split = sample.tokens.begin() + (first - sample.labels.begin());
    Question question;
    question.prompt.assign(sample.tokens.begin(), split);
    question.reply.assign(split, split + (last - first));
    if (stop_id && !question.reply.empty() && question.reply.back() == *stop_id) {
        question.reply.pop_back();
    }
    return question;
}

bool is_exact_match(std::string_view answer, std::string_view reference) {
    return trimmed(answer) == trimmed(reference);
}

Result<std::vector<ExactMatch>> measure_exact_match(Engine& engine, const Tokenizer& tokenizer,
                                                    const CompiledData& data,
                                                    int64_t rows_per_source,
                                                    const RunControl& control) {
    std::vector<ExactMatch> figures(data.sources.size());
    for (size_t i = 0; i < figures.size(); ++i) figures[i].source_id = data.sources[i].name;
    for (const SampleRef ref : data.test_samples()) {
        ExactMatch& figure = figures.at(ref.source_index);
        if (rows_per_source > 0 && figure.rows >= rows_per_source) continue;
        if (control.request() != RunRequest::None) {
            return Error{.code = ErrorCode::Cancelled, .message = "The run was asked to stop."};
        }
        const Question question = question_of(data.read_sample(ref), tokenizer.eos_id());
        if (question.prompt.empty() || question.reply.empty()) continue;
        GenerateOptions options;
        options.max_new_tokens = static_cast<int64_t>(question.reply.size()) + kSpareTokens;
        if (tokenizer.eos_id()) options.stop_ids = {*tokenizer.eos_id()};
        TRY(ids, engine.generate(question.prompt, options));
        if (!ids.empty() && tokenizer.eos_id() && ids.back() == *tokenizer.eos_id()) ids.pop_back();
        ++figure.rows;
        figure.matches +=
            is_exact_match(tokenizer.decode(ids), tokenizer.decode(question.reply)) ? 1 : 0;
    }
    std::erase_if(figures, [](const ExactMatch& figure) { return figure.rows == 0; });
    return figures;
}

}  // namespace dayrun::core
