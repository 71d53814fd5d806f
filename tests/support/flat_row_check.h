// What the reader of common rows must do, for tests and the fuzzer: say nothing, or what simdjson
// says. Neighbours: tests/core/data/test_flat_row.cpp, tests/fuzz/fuzz_flat_row.cpp.
#pragma once

#include <string>
#include <string_view>

#include "core/data/readers/flat_row.h"
#include "core/data/readers/json_value.h"
#include "core/data/readers/record_splitter.h"

namespace dayrun::tests {

/// simdjson is asked through a list around the row, which no flat row is.
inline bool flat_row_differs(std::string_view text) {
    core::Value row;
    std::string padded(text);
    padded.append(core::kTextPadding, '"');
    const std::string_view unpadded = std::string_view(padded).substr(0, text.size());
    if (!core::read_flat_row(unpadded, core::Utf8::Unchecked, row)) return false;
    const auto listed = core::JsonParser().parse("[" + std::string(text) + "]");
    return !listed.ok() || listed->array().size() != 1 ||
           listed->array().front().json() != row.json();
}

}  // namespace dayrun::tests
