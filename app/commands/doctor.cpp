// dayrun doctor and --version: device, driver, memory, disk and libraries, one line each with what
// to do when something is missing.
#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/version.h"
#include "app/wiring.h"
#include "core/base/build_info.h"
#include "core/base/resource_path.h"
#include "core/base/units.h"
#include "core/data/readers/row_reader.h"
#include "core/device/card_monitor.h"
#include "core/device/cuda_probe.h"
#include "core/engine/engine_factory.h"
#include "core/records/database.h"

namespace dayrun::app {
namespace {

struct Finding {
    std::string name;
    bool good = true;
    std::string text;
    std::string hint = {};
};

Finding cpu_finding() {
    const auto device = choose_device({.device = "cpu"});
    return {"processor", true, device_name(*device)};
}

Finding memory_finding() {
    struct sysinfo info {};
    if (sysinfo(&info) != 0) return {"memory", false, "unknown"};
    const auto unit = static_cast<int64_t>(info.mem_unit);
    const auto free = static_cast<int64_t>(info.freeram + info.bufferram) * unit;
    return {"memory", true,
            fmt::format("{} in all, {} free",
                        core::format_bytes(static_cast<int64_t>(info.totalram) * unit),
                        core::format_bytes(free))};
}

Finding disk_finding() {
    std::error_code code;
    const auto space = std::filesystem::space(std::filesystem::current_path(code), code);
    if (code) return {"disk", false, "the current folder cannot be read"};
    const auto free = static_cast<int64_t>(space.available);
    const bool enough = free > int64_t{5} << 30;
    return {"disk", enough, core::format_bytes(free) + " free in the current folder",
            enough ? "" : "Free at least 5 GiB for checkpoints and caches."};
}

std::vector<Finding> gpu_findings() {
    if (!core::build_info().has_cuda()) {
        return {{"gpu", false, "this build has no CUDA support; training runs on the CPU",
                 "Install the CUDA toolkit (nvcc) and run ./run again to build with it."}};
    }
    const auto report = core::probe_cuda();
    if (!report.ok()) return {{"gpu", false, report.error().message, report.error().hint}};
    std::vector<Finding> findings;
    for (const core::CudaDevice& card : report->devices) {
        const auto usable = core::usable_cuda_device(card.index);
        const auto monitor = core::CardMonitor::open(card.pci_bus_id);
        const std::string reading = monitor != nullptr ? to_text(monitor->read()) : "";
        findings.push_back(
            {fmt::format("cuda:{}", card.index), usable.ok(),
             fmt::format("{}, compute capability {}.{}, {} of {} free, driver for CUDA {}{}{}",
                         card.name, card.compute_major, card.compute_minor,
                         core::format_bytes(card.free_bytes), core::format_bytes(card.total_bytes),
                         report->driver_version, reading.empty() ? "" : ", ", reading),
             usable.ok() ? "" : usable.error().text()});
    }
    return findings;
}

Finding parquet_finding() {
    if (core::has_parquet_reader()) return {"parquet", true, "read through Arrow"};
    return {"parquet", false, "this build reads no Parquet files",
            "Convert them to JSONL, or use the full build."};
}

Finding resources_finding() {
    const auto path = core::resource_path("sample_project");
    if (!path.ok()) return {"resources", false, path.error().message, path.error().hint};
    return {"resources", true, path->parent_path().string()};
}

Finding torch_finding() {
    const auto version = engine::torch_version();
    if (!version.ok()) return {"libtorch", false, version.error().message, version.error().hint};
    return {"libtorch", true, *version};
}

int run_doctor(const CommonOptions& common) {
    std::vector<Finding> findings{cpu_finding(), memory_finding(), disk_finding()};
    for (Finding& finding : gpu_findings()) findings.push_back(std::move(finding));
    findings.push_back(resources_finding());
    findings.push_back(parquet_finding());
    findings.push_back({"build", true, std::string(core::build_info().build_id)});
    findings.push_back(torch_finding());
    findings.push_back({"sqlite", true, core::sqlite_version()});
    if (common.json) {
        auto rows = nlohmann::ordered_json::array();
        for (const Finding& one : findings) {
            rows.push_back(
                {{"name", one.name}, {"good", one.good}, {"text", one.text}, {"hint", one.hint}});
        }
        fmt::print("{}\n", rows.dump());
        return kExitDone;
    }
    for (const Finding& one : findings) {
        fmt::print("{} {:<10} {}{}\n", one.good ? "ok  " : "note", one.name, one.text,
                   one.hint.empty() ? "" : "  -> " + one.hint);
    }
    return kExitDone;
}

}  // namespace

std::string version_text() {
    const core::BuildInfo& build = core::build_info();
    return fmt::format("dayrun {} ({}, {})\nlibtorch {}\nCUDA {}\nSQLite {}\nParquet {}",
                       build.build_id, build.compiler, build.build_type,
                       build.torch_version.empty() ? "not built in" : build.torch_version,
                       build.has_cuda() ? build.cuda_version : "not built in",
                       core::sqlite_version(),
                       core::has_parquet_reader() ? "through Arrow" : "not built in");
}

void add_doctor_command(CLI::App& parser, Action& chosen) {
    auto* command =
        parser.add_subcommand("doctor", "What this machine has, and what to do about it");
    command->footer("Example: dayrun doctor --json");
    command->callback([&chosen] { chosen = run_doctor; });
}

}  // namespace dayrun::app
