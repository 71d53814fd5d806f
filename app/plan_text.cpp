// Prints a PlanSheet. Neighbour: core/plan/preflight.h.
#include "app/plan_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/base/units.h"

namespace dayrun::app {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json memory_json(const core::MemoryEstimate& memory) {
    Json parts = Json::array();
    for (const core::PlannedPart& part : memory.parts) {
        parts.push_back({{"name", part.name}, {"bytes", part.bytes}, {"basis", part.basis}});
    }
    Json plan = Json::array();
    for (const core::Keep keep : memory.plan) plan.push_back(core::to_string(keep));
    return {{"total_bytes", memory.total_bytes},
            {"parameter_count", memory.parameter_count},
            {"trained_parameter_count", memory.trained_parameter_count},
            {"micro_batch_tokens", memory.micro_batch_tokens},
            {"host_bytes", memory.host_bytes},
            {"activation_plan", plan},
            {"recompute_ratio", memory.recompute_ratio},
            {"parts", parts}};
}

Json time_json(const core::TimePlan& time) {
    return {{"total_steps", time.total_steps},
            {"steps_per_epoch", time.steps_per_epoch},
            {"train_tokens", time.train_tokens},
            {"train_s", or_null(time.train_s)},
            {"eval_s", or_null(time.eval_s)},
            {"total_s", or_null(time.total_s)},
            {"basis", time.basis}};
}

Json plan_json(const std::string& name, const core::PlanSheet& sheet) {
    Json checks = Json::array();
    for (const core::PreflightCheck& check : sheet.checks) {
        checks.push_back({{"name", check.name},
                          {"level", core::to_string(check.level)},
                          {"message", check.message},
                          {"hint", check.hint},
                          {"count", check.count},
                          {"offenders", check.offenders}});
    }
    return {{"name", name},
            {"can_start", sheet.can_start()},
            {"memory", sheet.memory ? memory_json(*sheet.memory) : Json(nullptr)},
            {"memory_limit_bytes", or_null(sheet.memory_limit_bytes)},
            {"time", sheet.time ? time_json(*sheet.time) : Json(nullptr)},
            {"disk_bytes", or_null(sheet.disk_bytes)},
            {"disk_free_bytes", or_null(sheet.disk_free_bytes)},
            {"checks", checks},
            {"missing", sheet.missing}};
}

void print_memory(const core::PlanSheet& sheet) {
    if (!sheet.memory) return;
    fmt::print("Memory, estimated\n");
    for (const core::PlannedPart& part : sheet.memory->parts) {
        fmt::print("  {:<14}{:>12}  {}\n", part.name, core::format_bytes(part.bytes), part.basis);
    }
    fmt::print("  {:<14}{:>12}", "together", core::format_bytes(sheet.memory->total_bytes));
    if (sheet.memory_limit_bytes) {
        const bool fits = sheet.memory->total_bytes <= *sheet.memory_limit_bytes;
        fmt::print("  of {}: {}", core::format_bytes(*sheet.memory_limit_bytes),
                   fits ? "fits" : "does not fit");
    }
    fmt::print("\n");
    if (sheet.memory->host_bytes > 0) {
        fmt::print("  {:<14}{:>12}\n", "in host memory",
                   core::format_bytes(sheet.memory->host_bytes));
    }
    fmt::print("  activation plan: {}; {:.0f} % of a forward is done again\n",
               core::plan_text(sheet.memory->plan), 100 * sheet.memory->recompute_ratio);
}

void print_time(const core::PlanSheet& sheet) {
    if (!sheet.time) return;
    const core::TimePlan& time = *sheet.time;
    fmt::print("Time\n  {}, {}, {}\n", core::count_of(time.total_steps, "step"),
               core::count_of(time.train_tokens, "token"),
               core::count_of(time.eval_count, "validation"));
    fmt::print("  {} ({})\n", time.total_s ? core::format_duration(*time.total_s) : "unknown",
               time.basis);
}

void print_plan(const std::string& name, const core::PlanSheet& sheet) {
    const char* const verdict = !sheet.can_start() ? "cannot start"
                                : !sheet.missing.empty()
                                    ? "cannot start before what is missing is there"
                                    : "can start";
    fmt::print("{}: {}\n", name, verdict);
    print_memory(sheet);
    print_time(sheet);
    if (sheet.disk_bytes && sheet.disk_free_bytes) {
        fmt::print("Disk\n  {} to write, {} free\n", core::format_bytes(*sheet.disk_bytes),
                   core::format_bytes(*sheet.disk_free_bytes));
    }
    fmt::print("Checks\n");
    for (const core::PreflightCheck& check : sheet.checks) {
        fmt::print("  [{}] {}: {}\n", core::to_string(check.level), check.name, check.message);
        if (!check.hint.empty()) fmt::print("          {}\n", check.hint);
        for (const std::string& offender : check.offenders)
            fmt::print("          - {}\n", offender);
    }
    for (const std::string& line : sheet.missing) fmt::print("  [missing] {}\n", line);
}

}  // namespace

void print_plans(const std::vector<NamedPlan>& plans, bool json) {
    if (!json) {
        for (const NamedPlan& plan : plans) print_plan(plan.name, plan.sheet);
        return;
    }
    Json all = Json::array();
    for (const NamedPlan& plan : plans) all.push_back(plan_json(plan.name, plan.sheet));
    fmt::print("{}\n", plans.size() == 1 ? all[0].dump() : Json{{"plans", all}}.dump());
}

}  // namespace dayrun::app
