// Events as --batch prints them: one JSON object a line, keys in the order of contracts.md section
// 3, floating-point numbers in the shortest form that reads back to the same value, NaN as null.
// Plain functions: any thread.
#pragma once

#include <string>
#include <vector>

#include "core/events/run_event.h"

namespace dayrun::core {

/// Without a line end.
std::string event_json(const RunEvent& event);
/// The first line of a batch.
std::string start_json(const std::string& build_id, const std::vector<std::string>& run_ids);
/// A text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace dayrun::core
