// Estimate, plan, rehearse, compare, refuse. Neighbour: rehearsal.h.
#include "core/run/rehearsal/rehearsal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "core/base/units.h"
#include "core/device/cuda_probe.h"
#include "core/device/libtorch_memory.h"
#include "core/model/recipe_base.h"
#include "core/plan/disk_plan.h"
#include "core/plan/memory/largest_batch.h"

namespace dayrun::core {

namespace {

constexpr int64_t kMebibyte = 1 << 20;

// Without a budget: what is there, less a tenth for the rest of the computer.
int64_t memory_limit(const RehearsalOrder& order) {
    if (const auto& budget = order.recipe.budget.max_device_bytes) return *budget;
    int64_t installed = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGE_SIZE);
    if (order.device.kind == DeviceKind::Cuda) {
        const auto card = usable_cuda_device(order.device.index);
        if (card.ok()) installed = card->total_bytes;
    }
    return installed / 10 * 9;
}

/// The estimate for this run's own largest micro-batches; empty when the base has no config to
/// estimate from.
std::optional<MemoryEstimate> estimate_for(const RehearsalOrder& order,
                                           const LargestBatches& largest) {
    const auto config = read_base_config(order.recipe);
    if (!config.ok()) return std::nullopt;
    MemoryInputs inputs;
    inputs.train = extent_of(largest.train);
    inputs.eval = extent_of(largest.eval);
    inputs.limit_bytes = memory_limit(order);
    if (order.device.kind == DeviceKind::Cuda) {
        inputs.device = PlanDevice::Cuda;
    } else {
        inputs.libtorch_bytes = held_libtorch_bytes();
        inputs.overhead_bytes = order.engine.overhead_bytes() - inputs.libtorch_bytes;
    }
    inputs.threads = order.device.threads;
    auto estimate = estimate_memory(*config, order.recipe, inputs);
    if (!estimate.ok()) return std::nullopt;
    return std::move(estimate).value();
}

Result<void> check_memory(const RehearsalOrder& order, int64_t peak_bytes) {
    const auto& limit = order.recipe.budget.max_device_bytes;
    if (!limit || peak_bytes <= *limit) return {};
    return Error{
        .code = order.device.kind == DeviceKind::Cuda ? ErrorCode::OutOfGpuMemory
                                                      : ErrorCode::OutOfHostMemory,
        .message = fmt::format("The largest micro-batch takes {} of memory, and the budget "
                               "is {}.",
                               format_bytes(peak_bytes), format_bytes(*limit)),
        .hint =
            "Raise budget.max_device_bytes, or lower tokens.max_seq_len or "
            "batch.micro_batch_size."};
}

Result<void> check_disk(const RehearsalOrder& order) {
    const int64_t bytes =
        run_disk_bytes(order.engine.checkpoint_bytes(), order.recipe.checkpoint.keep);
    const auto& budget = order.recipe.budget.max_disk_bytes;
    if (budget && bytes > *budget) {
        return Error{.code = ErrorCode::DiskFull,
                     .message = fmt::format("The run writes up to {}, and the budget is {}.",
                                            format_bytes(bytes), format_bytes(*budget)),
                     .hint = "Raise budget.max_disk_bytes, or lower checkpoint.keep."};
    }
    std::error_code failed;
    const auto space = std::filesystem::space(order.folder, failed);
    if (failed || bytes <= static_cast<int64_t>(space.available)) return {};
    return Error{
        .code = ErrorCode::DiskFull,
        .message = fmt::format("The run writes up to {}, and {} are free.", format_bytes(bytes),
                               format_bytes(static_cast<int64_t>(space.available))),
        .hint = "Free space, or lower checkpoint.keep."};
}

void tell(const RehearsalOrder& order, const LargestBatches& largest,
          const RehearsalFigures& figures, const std::optional<MemoryEstimate>& estimate) {
    const double step_s =
        figures.train_s * static_cast<double>(order.recipe.batch.gradient_accumulation_steps) +
        figures.apply_s;
    order.reporter.info(fmt::format(
        "Rehearsal: the largest micro-batch ({}) takes {} forward and backward, {} in a "
        "validation; a step at most about {}, {} at most {}; peak memory {}.",
        count_of(static_cast<int64_t>(largest.train.tokens.size()), "token"),
        format_duration(figures.train_s), format_duration(figures.eval_s), format_duration(step_s),
        count_of(order.total_steps, "step"),
        format_duration(step_s * static_cast<double>(order.total_steps)),
        format_bytes(figures.peak_bytes)));
    if (!estimate) return;
    order.reporter.info(fmt::format("Memory, measured and estimated: {}; together {} and {}.",
                                    compare_parts(*estimate, figures),
                                    format_bytes(figures.peak_bytes),
                                    format_bytes(estimate->total_bytes)));
}

// An estimate may be a little too low: what a card then has no room for is tried again with more
// recomputation, as in a step.
Result<RehearsalFigures> rehearse_until_it_fits(const RehearsalOrder& order,
                                                const LargestBatches& largest) {
    while (true) {
        auto figures = order.engine.rehearse(largest.train, largest.eval);
        if (figures.ok() || figures.error().code != ErrorCode::OutOfGpuMemory) return figures;
        order.engine.drop_gradients();
        if (!order.engine.make_leaner()) return figures;
        order.reporter.warning(
            fmt::format("The largest micro-batch did not fit the card; it is tried again with more "
                        "recomputation. {}",
                        figures.error().message));
    }
}

}  // namespace

std::string compare_parts(const MemoryEstimate& estimate, const RehearsalFigures& figures) {
    std::string text;
    for (const PlannedPart& part : estimate.parts) {
        const int64_t measured = figures.part_bytes[static_cast<size_t>(part.part)];
        if (std::max(measured, part.bytes) < kMebibyte) continue;
        text += fmt::format("{}{} {} and {}", text.empty() ? "" : ", ", part.name,
                            format_bytes(measured), format_bytes(part.bytes));
    }
    return text.empty() ? "every part below a mebibyte" : text;
}

Result<void> rehearse_run(const RehearsalOrder& order) {
    TRY_VOID(check_disk(order));
    TRY(largest, find_largest_batches(order.recipe, order.data));
    if (largest.train.tokens.empty()) return {};
    const std::optional<MemoryEstimate> estimate = estimate_for(order, largest);
    if (estimate) {
        order.engine.set_activation_plan(estimate->plan);
        order.reporter.info(fmt::format("Activation plan: {}; {:.0f} % of a forward is done again.",
                                        plan_text(estimate->plan),
                                        100 * estimate->recompute_ratio));
    }
    TRY(figures, rehearse_until_it_fits(order, largest));
    tell(order, largest, figures, estimate);
    return check_memory(order, figures.peak_bytes);
}

}  // namespace dayrun::core
