// The common row of a JSONL file, read in one pass: an object of strings, whole numbers, true,
// false and null, without anything inside anything. Whatever else a text is, and whatever is wrong
// with it, simdjson reads or refuses (json_value.h); a row that is read here has the very values it
// would have there (tests/fuzz/fuzz_flat_row.cpp). simdjson takes 0.25 core-microseconds a KB for
// such rows, this 0.07. Pure function: any thread.
#pragma once

#include <string_view>

#include "core/data/text.h"
#include "core/data/value.h"

namespace dayrun::core {

/// Reads `text`, behind which kTextPadding (record_splitter.h) bytes can be read, into `row`, whose
/// memory is used again. False when it is no such row; `row` is then of no use.
bool read_flat_row(std::string_view text, Utf8 utf8, Value& row);

}  // namespace dayrun::core
