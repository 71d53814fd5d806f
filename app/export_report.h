// What an export wrote, for people and for --json. Neighbours: commands/export.cpp fills it,
// merge_losses.h measures. Plain values: any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/merge_losses.h"

namespace dayrun::app {

/// Formats with their folder and what was written, and the losses, as --json prints them.
using ExportReport = nlohmann::ordered_json;

void add_losses(const MergeLosses& losses, ExportReport& report);

/// The report as people read it; the same text stands in OUT/export.md.
std::string report_text(const ExportReport& report);

}  // namespace dayrun::app
