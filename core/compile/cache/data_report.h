// What became of a recipe's data as one JSON document: `data compile --json`, and beside each run.
// Neighbour: data_compiler.h. Any thread.
#pragma once

#include <string>

#include "core/compile/cache/compiled_data.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// Per source rows in, drops with examples, cuts, tokens and its part of the mix; every duplicate
/// with the row kept for it; every overlap, with the shared text when `tokenizer` is given. The
/// same data gives the same bytes, but for where its rows came from (`from_cache`) and caches that
/// were built anew. FileDamaged when a cache is.
Result<std::string> data_report_json(const CompiledData& data, const Tokenizer* tokenizer);

}  // namespace dayrun::core
