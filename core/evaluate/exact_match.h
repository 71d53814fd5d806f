// Exact match: the share of held-out rows that a model answers word for word, by greedy generation
// from the same token caches that training reads. Neighbours: core/compile/cache/compiled_data.h
// (rows), core/engine/engine.h (generation). Lives on the run thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/engine/engine.h"
#include "core/events/run_control.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// One source's figure.
struct ExactMatch {
    std::string source_id;
    int64_t rows = 0;
    int64_t matches = 0;

    double share() const {
        return rows > 0 ? static_cast<double>(matches) / static_cast<double>(rows) : 0;
    }
};

/// A row as a question: the ids before the first trained one, and the reply that follows them.
struct Question {
    std::vector<int32_t> prompt;
    std::vector<int32_t> reply;  // without its stop token
};
Question question_of(const TokenizedSample& sample, std::optional<int32_t> stop_id);

/// Equal after white space at both ends is taken away.
bool is_exact_match(std::string_view answer, std::string_view reference);

/// Answers at most `rows_per_source` test rows of each source (0: all), in their fixed order, and
/// counts exact matches by source. Cancelled when `control` asks for the end of the run.
Result<std::vector<ExactMatch>> measure_exact_match(Engine& engine, const Tokenizer& tokenizer,
                                                    const CompiledData& data,
                                                    int64_t rows_per_source,
                                                    const RunControl& control);

}  // namespace dayrun::core
