// Greedy answers against references. Neighbour: exact_match.h.
#include "core/evaluate/exact_match.h"

#include <algorithm>

namespace dayrun::core {
namespace {

// A model that has not learned to stop would otherwise fill its whole context.
constexpr int64_t kSpareTokens = 8;
// Long texts end at different times, and only the last few of a portion leave places empty.
constexpr size_t kRowsAtOnce = 256;

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

namespace {

/// The questions of the rows to answer, and the source of each.
struct Examination {
    std::vector<GenerateRequest> requests;
    std::vector<Question> questions;
    std::vector<uint32_t> sources;
};

Result<Examination> examination_of(const CompiledData& data, const Tokenizer& tokenizer,
                                   int64_t rows_per_source, const RunControl& control) {
    Examination made;
    std::vector<int64_t> rows(data.sources.size());
    for (const SampleRef ref : data.test_samples()) {
        if (rows_per_source > 0 && rows.at(ref.source_index) >= rows_per_source) continue;
        TRY(sample, data.read_sample(ref));
        Question question = question_of(sample, tokenizer.eos_id());
        if (question.prompt.empty() || question.reply.empty()) continue;
        ++rows[ref.source_index];
        GenerateOptions options;
        options.max_new_tokens = static_cast<int64_t>(question.reply.size()) + kSpareTokens;
        if (tokenizer.eos_id()) options.stop_ids = {*tokenizer.eos_id()};
        options.on_token = [&control](int32_t) { return control.request() == RunRequest::None; };
        made.requests.push_back({question.prompt, std::move(options)});
        made.questions.push_back(std::move(question));
        made.sources.push_back(ref.source_index);
    }
    return made;
}

}  // namespace

Result<std::vector<ExactMatch>> measure_exact_match(Engine& engine, const Tokenizer& tokenizer,
                                                    const CompiledData& data,
                                                    int64_t rows_per_source,
                                                    const RunControl& control) {
    std::vector<ExactMatch> figures(data.sources.size());
    for (size_t i = 0; i < figures.size(); ++i) figures[i].source_id = data.sources[i].name;
    TRY(exam, examination_of(data, tokenizer, rows_per_source, control));
    // In portions, so that a request ends it soon and a window sees it go on.
    for (size_t begin = 0; begin < exam.requests.size(); begin += kRowsAtOnce) {
        if (control.request() != RunRequest::None) break;
        const size_t end = std::min(begin + kRowsAtOnce, exam.requests.size());
        const auto first = exam.requests.begin() + static_cast<std::ptrdiff_t>(begin);
        TRY(answers,
            engine.generate_batch({first, first + static_cast<std::ptrdiff_t>(end - begin)}));
        for (size_t i = begin; i < end; ++i) {
            ExactMatch& figure = figures[exam.sources[i]];
            ++figure.rows;
            figure.matches += is_exact_match(tokenizer.decode(answers[i - begin]),
                                             tokenizer.decode(exam.questions[i].reply))
                                  ? 1
                                  : 0;
        }
    }
    if (control.request() != RunRequest::None) {
        return Error{.code = ErrorCode::Cancelled, .message = "The run was asked to stop."};
    }
    std::erase_if(figures, [](const ExactMatch& figure) { return figure.rows == 0; });
    return figures;
}

}  // namespace dayrun::core
