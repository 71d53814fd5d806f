// Puts the sheet together: memory from the shape, time and data checks from compiled data, disk
// from the file system. Neighbours: data_checks.cpp, memory_estimate.cpp, time_plan.cpp.
#include "core/plan/preflight.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/clock.h"
#include "core/base/units.h"
#include "core/compile/cache/damaged_caches.h"
#include "core/compile/cache/data_compiler.h"
#include "core/device/libtorch_memory.h"
#include "core/model/recipe_base.h"
#include "core/model/safetensors.h"
#include "core/plan/data_checks.h"
#include "core/plan/disk_plan.h"
#include "core/plan/memory/largest_batch.h"
#include "core/plan/start_adapter.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

namespace {

PreflightCheck make_check(std::string name, CheckLevel level, std::string message,
                          std::string hint = {}) {
    PreflightCheck check;
    check.name = std::move(name);
    check.level = level;
    check.message = std::move(message);
    check.hint = level == CheckLevel::Green ? std::string() : std::move(hint);
    return check;
}

int64_t host_memory_bytes() {
    return static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGE_SIZE);
}

std::optional<int64_t> free_disk_bytes(std::filesystem::path folder) {
    // The project may not exist yet; its disk is that of the nearest folder that does.
    std::error_code failed;
    while (!folder.empty() && !std::filesystem::exists(folder, failed)) {
        if (folder == folder.parent_path()) break;
        folder = folder.parent_path();
    }
    const auto space = std::filesystem::space(folder.empty() ? "." : folder, failed);
    if (failed) return std::nullopt;
    return static_cast<int64_t>(space.available);
}

// What could be opened of a recipe's data; empty parts are told in the sheet.
struct OpenedData {
    std::unique_ptr<Tokenizer> tokenizer;
    std::shared_ptr<const CompiledData> compiled;
};

Result<MemoryInputs> memory_inputs(const Recipe& recipe, const PlanOptions& options,
                                   const CompiledData* data, int64_t overhead_bytes) {
    MemoryInputs inputs;
    inputs.train = full_extent(recipe);
    inputs.eval = inputs.train;
    if (data != nullptr && data->train_rows() > 0) {
        TRY(largest, find_largest_batches(recipe, *data));
        inputs.train = extent_of(largest.train);
        inputs.eval = extent_of(largest.eval);
    }
    if (options.device_memory_bytes) {
        inputs.device = PlanDevice::Cuda;
        inputs.limit_bytes = options.device_memory_bytes;
    } else {
        inputs.overhead_bytes = overhead_bytes;
        inputs.libtorch_bytes = planned_libtorch_bytes();
        inputs.limit_bytes = recipe.budget.max_device_bytes.value_or(host_memory_bytes());
        inputs.threads = options.threads;
    }
    return inputs;
}

void check_weights(const Recipe& recipe, PlanSheet& sheet) {
    if (recipe.base.random_init) return;
    const auto files = CheckpointFiles::open(recipe.resolved(recipe.base.path));
    if (files.ok()) return;
    sheet.missing.push_back("A run needs the base's weights: " + files.error().text());
}

Result<void> plan_memory(const Recipe& recipe, const PlanOptions& options, const CompiledData* data,
                         int64_t overhead_bytes, PlanSheet& sheet) {
    const Result<ModelConfig> config = read_base_config(recipe);
    if (!config.ok()) {
        sheet.missing.push_back("Memory needs the base's config.json: " + config.error().text());
        return {};
    }
    for (const std::string& note : config->notes) {
        sheet.checks.push_back(make_check("base model", CheckLevel::Amber, note,
                                          "Set what config.json says to what the weights hold."));
    }
    check_weights(recipe, sheet);
    TRY(inputs, memory_inputs(recipe, options, data, overhead_bytes));
    Result<MemoryEstimate> estimate = estimate_memory(*config, recipe, inputs);
    if (!estimate.ok()) {
        const Error& error = estimate.error();
        sheet.checks.push_back(
            make_check("target modules", CheckLevel::Red, error.message, error.hint));
        return {};
    }
    sheet.memory = std::move(estimate).value();
    sheet.memory_limit_bytes = inputs.limit_bytes;
    const bool fits = sheet.memory->total_bytes <= *inputs.limit_bytes;
    // Amber and never red: an estimate is no measurement (promises.md row 28).
    sheet.checks.push_back(make_check(
        "memory", fits ? CheckLevel::Green : CheckLevel::Amber,
        fmt::format("The run needs about {} of {}; {}.", format_bytes(sheet.memory->total_bytes),
                    format_bytes(*inputs.limit_bytes), plan_text(sheet.memory->plan)),
        "Lower tokens.max_seq_len, batch.micro_batch_size or adapter.lora_rank."));
    return {};
}

void plan_disk(const Recipe& recipe, const PlanOptions& options, PlanSheet& sheet) {
    if (!sheet.memory) return;
    const int64_t trained = sheet.memory->trained_parameter_count;
    const bool is_bfloat16 = recipe.adapter.dtype == DtypeChoice::BFloat16;
    // A state holds the float32 masters and the optimizer's moments.
    const int64_t moments = sheet.memory->state_bytes;
    sheet.disk_bytes =
        run_disk_bytes({.adapter = (is_bfloat16 ? 2 : 4) * trained, .state = 4 * trained + moments},
                       recipe.checkpoint.keep);
    const auto folder = options.project_folder.empty() ? recipe.folder : options.project_folder;
    sheet.disk_free_bytes = free_disk_bytes(folder);
    if (!sheet.disk_free_bytes) return;
    const int64_t limit = std::min(*sheet.disk_free_bytes,
                                   recipe.budget.max_disk_bytes.value_or(*sheet.disk_free_bytes));
    const bool fits = *sheet.disk_bytes <= limit;
    sheet.checks.push_back(
        make_check("disk space", fits ? CheckLevel::Green : CheckLevel::Red,
                   fmt::format("The run writes up to {}; {} are free.",
                               format_bytes(*sheet.disk_bytes), format_bytes(limit)),
                   "Free space, raise budget.max_disk_bytes, or lower checkpoint.keep."));
}

Result<WorkAmount> work_of(const Recipe& recipe, const CompiledData& data) {
    WorkAmount work;
    work.micro_batches_in_epoch = [&data](int64_t epoch) {
        return data.micro_batches_in_epoch(epoch);
    };
    for (const SourceReport& source : data.sources) {
        if (source.train_rows == 0) continue;
        work.tokens_per_epoch += source.tokens * source.rows_per_epoch / source.train_rows;
    }
    TRY(validation, data.validation_batches(recipe.eval.rows.value_or(0)));
    for (const PackedBatch& batch : validation) {
        work.eval_tokens += static_cast<int64_t>(batch.tokens.size());
    }
    return work;
}

void check_time(const Recipe& recipe, PlanSheet& sheet) {
    const double limit_s = 3600 * recipe.budget.max_hours;
    if (!sheet.time->total_s) {
        sheet.checks.push_back(make_check(
            "finishing time", CheckLevel::Green,
            fmt::format(
                "{}; the time is unknown until the first run on this base measures it. After "
                "{} h the run validates, saves and ends.",
                count_of(sheet.time->total_steps, "step"), recipe.budget.max_hours)));
        return;
    }
    const bool fits = *sheet.time->total_s <= limit_s;
    sheet.checks.push_back(make_check(
        "finishing time", fits ? CheckLevel::Green : CheckLevel::Amber,
        fmt::format("{} {} about {} of {}.", count_of(sheet.time->total_steps, "step"),
                    sheet.time->total_steps == 1 ? "takes" : "take",
                    format_duration(*sheet.time->total_s), format_duration(limit_s)),
        "Lower batch.epochs or take fewer rows; at the limit the run validates, saves and ends."));
}

Result<OpenedData> open_data(const Recipe& recipe, const PlanOptions& options, PlanSheet& sheet) {
    OpenedData opened;
    if (options.cache_folder.empty()) {
        sheet.missing.push_back("Time and the checks of the data need the data to be compiled.");
        return opened;
    }
    Result<std::unique_ptr<Tokenizer>> tokenizer =
        open_tokenizer(recipe.resolved(recipe.base.path));
    if (tokenizer.ok()) {
        opened.tokenizer = std::move(tokenizer).value();
    } else if (needs_tokenizer(recipe)) {
        sheet.missing.push_back("Time and the checks of the data need the base's tokenizer: " +
                                tokenizer.error().text());
        return opened;
    }
    auto data =
        compile_data(recipe, opened.tokenizer.get(), options.cache_folder, {}, options.stop);
    if (data.ok()) {
        opened.compiled = std::move(data).value();
        return opened;
    }
    if (data.error().code == ErrorCode::Cancelled) return data.error();
    if (data.error().code == ErrorCode::FileMissing) {
        sheet.missing.push_back("Time and the checks of the data need the data: " +
                                data.error().text());
    } else {
        sheet.checks.push_back(
            make_check("data", CheckLevel::Red, data.error().text(), data.error().hint));
    }
    return opened;
}

// Told and never silent: it costs time, and a disk that does this once may do it again.
void tell_rebuilt_caches(const CompiledData& data, PlanSheet& sheet) {
    if (data.rebuilt_caches.empty()) return;
    PreflightCheck check = make_check(
        "token caches", CheckLevel::Amber,
        fmt::format("{} could not be used and {} built anew.",
                    count_of(std::ssize(data.rebuilt_caches), "token cache"),
                    data.rebuilt_caches.size() == 1 ? "was" : "were"),
        "Nothing needs to be done; a file that is damaged again and again means a failing disk.");
    check.count = std::ssize(data.rebuilt_caches);
    check.offenders = data.rebuilt_caches;
    sheet.checks.push_back(std::move(check));
}

Result<void> plan_data(const Recipe& recipe, const PlanOptions& options, const OpenedData& opened,
                       PlanSheet& sheet) {
    if (opened.compiled == nullptr) return {};
    const CompiledData& data = *opened.compiled;
    tell_rebuilt_caches(data, sheet);
    TRY(checks, check_data(recipe, data, opened.tokenizer.get()));
    for (PreflightCheck& check : checks) sheet.checks.push_back(std::move(check));
    if (data.train_rows() == 0) return {};
    TRY(work, work_of(recipe, data));
    sheet.time = plan_time(recipe, work, options.tokens_per_second, options.speed_basis);
    check_time(recipe, sheet);
    return {};
}

Result<void> plan_all(const Recipe& recipe, const PlanOptions& options, const OpenedData& opened,
                      int64_t overhead_bytes, PlanSheet& sheet) {
    TRY_VOID(plan_memory(recipe, options, opened.compiled.get(), overhead_bytes, sheet));
    if (auto check = check_start_adapter(recipe)) sheet.checks.push_back(std::move(*check));
    plan_disk(recipe, options, sheet);
    return plan_data(recipe, options, opened, sheet);
}

}  // namespace

bool PlanSheet::can_start() const {
    return std::none_of(checks.begin(), checks.end(),
                        [](const PreflightCheck& check) { return check.level == CheckLevel::Red; });
}

Result<PlanSheet> make_plan(const Recipe& recipe, const PlanOptions& options) {
    // Before the plan's own work, and without what is a part of its own.
    const int64_t overhead_bytes = resident_bytes() - held_libtorch_bytes();
    return over_damaged_caches(recipe.data.size(), [&](bool& is_damaged) -> Result<PlanSheet> {
        PlanSheet sheet;
        TRY(opened, open_data(recipe, options, sheet));
        const auto planned = plan_all(recipe, options, opened, overhead_bytes, sheet);
        is_damaged = opened.compiled != nullptr && opened.compiled->has_damaged_cache();
        TRY_VOID(planned);
        return sheet;
    });
}

}  // namespace dayrun::core
