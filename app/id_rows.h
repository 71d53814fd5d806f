// Rows of finished token ids from a JSONL file, as the converter token_ids defines them
// (contracts.md, "Number by number"), each as one document. For `dayrun logprobs`.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/packing/packed.h"

namespace dayrun::app {

/// BadData with file and line for a row that is not of that shape.
core::Result<std::vector<core::PackedRow>> read_id_rows(const std::string& path);

}  // namespace dayrun::app
