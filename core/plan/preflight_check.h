// One line of the pre-flight sheet. Values; any thread. Neighbours: what checks (data_checks,
// vocabulary_check, start_adapter) makes them, preflight.h puts them together.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

enum class CheckLevel { Green, Amber, Red };
std::string_view to_string(CheckLevel level);  // "green", "amber", "red"

struct PreflightCheck {
    std::string name;  // "stop token trained", stable, for --json
    CheckLevel level = CheckLevel::Green;
    std::string message;                 // one sentence with the figures
    std::string hint;                    // what to do; empty when green
    int64_t count = 0;                   // offenders in all
    std::vector<std::string> offenders;  // some of them, "source:row: why"
};

}  // namespace dayrun::core
