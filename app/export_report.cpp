// Body of export_report.h.
#include "app/export_report.h"

#include <fmt/format.h>

#include "core/base/units.h"

namespace dayrun::app {

void add_losses(const MergeLosses& losses, ExportReport& report) {
    if (losses.target_tokens == 0) return;
    ExportReport table = {{"target_tokens", losses.target_tokens}, {"unmerged", losses.unmerged}};
    for (const auto& [name, loss] : losses.merged) table[name] = loss;
    report["validation_loss"] = std::move(table);
}

std::string report_text(const ExportReport& report) {
    std::string text;
    for (const auto& [format, entry] : report.items()) {
        if (!entry.contains("folder")) continue;
        text += fmt::format("{}: {}", format, entry["folder"].get<std::string>());
        if (entry.contains("bytes")) {
            text += fmt::format(" ({}, {})", entry["summary"].get<std::string>(),
                                core::format_bytes(entry["bytes"].get<int64_t>()));
        }
        text += "\n";
    }
    if (!report.contains("validation_loss")) return text;
    const ExportReport& losses = report["validation_loss"];
    text += fmt::format("validation loss over {}:\n",
                        core::count_of(losses["target_tokens"].get<int64_t>(), "token"));
    const double unmerged = losses["unmerged"].get<double>();
    for (const auto& [name, value] : losses.items()) {
        if (name == "target_tokens") continue;
        const double loss = value.get<double>();
        text += fmt::format("  {:<20} {:.4f} nats", name, loss);
        if (name != "unmerged") text += fmt::format(" ({:+.4f})", loss - unmerged);
        text += "\n";
    }
    return text;
}

}  // namespace dayrun::app
