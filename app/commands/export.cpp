// dayrun export: an adapter in PEFT layout, the base with the adapter merged in, or the base alone
// as a 4-bit checkpoint.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/command.h"
#include "app/merge_losses.h"
#include "app/quantization_options.h"
#include "core/base/atomic_file.h"
#include "core/base/units.h"
#include "core/export/merge.h"
#include "core/export/nf4_export.h"
#include "core/model/adapter_config.h"
#include "core/model/model_config.h"
#include "core/recipe/recipe_yaml.h"
#include "core/records/project.h"

namespace dayrun::app {
namespace {

struct ExportOptions {
    std::string run;
    std::string project = ".";
    std::string model;
    std::string adapter;
    std::vector<std::string> to{"peft"};
    std::string out;
    std::string dtype;
    std::string merge_into = "auto";
    bool no_loss = false;
    bool any_base = false;
    QuantizationOptions quantization;
};

struct ExportSource {
    std::filesystem::path base;
    std::filesystem::path adapter;  // empty when only the base is exported
    core::QuantizationSpec quantization;
    // Of a run, whose held-out rows tell what a merge costs.
    std::optional<core::Recipe> recipe = {};
    std::filesystem::path cache = {};
    std::string title = {};
};

bool needs_adapter(const ExportOptions& options) {
    return std::any_of(options.to.begin(), options.to.end(),
                       [](const std::string& format) { return format != "nf4"; });
}

/// For CLI11: empty when the format is known.
std::string known_format(const std::string& format) {
    if (format == "peft" || format == "merged" || format == "nf4") return {};
    if (format == "gguf") {
        return "writing GGUF does not exist yet; export merged, which llama.cpp converts";
    }
    return fmt::format("'{}' is no format; there are peft, merged and nf4", format);
}

/// Options that only a merge reads must not be given to another export.
core::Result<void> check_options(const ExportOptions& options) {
    const bool is_merged =
        std::find(options.to.begin(), options.to.end(), "merged") != options.to.end();
    const bool has_merge_option = !options.dtype.empty() || options.merge_into != "auto" ||
                                  options.no_loss || options.any_base;
    if (is_merged || !has_merge_option) return {};
    return core::Error{.code = core::ErrorCode::BadUsage,
                       .message = fmt::format("{} belongs to a merge, and nothing is merged here.",
                                              !options.dtype.empty() ? "--dtype"
                                              : options.no_loss      ? "--no-loss"
                                              : options.any_base     ? "--any-base"
                                                                     : "--merge-into"),
                       .hint = "Leave it out, or give --to merged."};
}

core::Result<ExportSource> source_of(const ExportOptions& options) {
    if (!options.model.empty() || !options.adapter.empty() || options.run.empty()) {
        const bool lacks_adapter = options.adapter.empty() && needs_adapter(options);
        if (options.model.empty() || lacks_adapter || !options.run.empty()) {
            return core::Error{.code = core::ErrorCode::BadUsage,
                               .message = "export takes a run, or --model with --adapter.",
                               .hint = "Example: dayrun export 7f3a --to merged --out merged"};
        }
        return ExportSource{.base = options.model,
                            .adapter = options.adapter,
                            .quantization = options.quantization.spec(),
                            .title = options.model};
    }
    TRY(project, core::Project::open(options.project, core::ProjectAccess::ReadOnly));
    TRY(query, project->query());
    TRY(run, query.run(options.run));
    if (run.adapter.empty()) {
        return core::Error{.code = core::ErrorCode::FileMissing,
                           .message = fmt::format("Run {} has saved no adapter.", run.run_id),
                           .hint = "Run it again, or choose another run."};
    }
    TRY(recipe, core::parse_recipe(run.recipe_yaml, run.run_id, project->folder()));
    return ExportSource{.base = recipe.resolved(recipe.base.path),
                        .adapter = project->folder() / run.adapter,
                        .quantization = recipe.quantization,
                        .recipe = recipe,
                        .cache = project->cache_folder(),
                        .title = fmt::format("run {} ({})", run.run_id, run.name)};
}

core::Result<void> export_peft(const ExportSource& source, const std::filesystem::path& out) {
    TRY(config, core::read_adapter_config(source.adapter));
    std::error_code code;
    if (std::filesystem::equivalent(source.adapter, out, code)) {
        return core::Error{
            .code = core::ErrorCode::BadUsage,
            .message = fmt::format("'{}' is the adapter's own folder.", out.string()),
            .hint = "Choose another folder for the copy."};
    }
    TRY_VOID(core::ensure_folder(out));
    std::filesystem::copy(source.adapter, out,
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing,
                          code);
    if (!code) return {};
    return core::Error{.code = core::ErrorCode::DiskFull,
                       .message = fmt::format("The adapter cannot be copied to '{}': {}.",
                                              out.string(), code.message()),
                       .hint = "Check that there is space and that you may write there."};
}

core::Nf4Options nf4_options(const ExportSource& source) {
    return {.block_size = source.quantization.block_size,
            .double_quant = source.quantization.double_quant};
}

/// `into` is original or dequantized.
core::Result<core::MergeReport> merge_into(const CommonOptions& common,
                                           const ExportOptions& options, const ExportSource& source,
                                           const std::filesystem::path& folder,
                                           const std::string& into) {
    core::MergeRequest request;
    request.base = source.base;
    request.adapter = source.adapter;
    request.out = folder;
    request.takes_any_base = options.any_base;
    request.threads = common.threads;
    if (into == "original" && options.merge_into != "auto") {
        TRY(config, core::read_model_config(source.base));
        if (!config.quantization.empty()) {
            return core::Error{.code = core::ErrorCode::BadUsage,
                               .message = fmt::format("'{}' holds 4-bit weights only, so there are "
                                                      "no original ones to merge into.",
                                                      source.base.string()),
                               .hint = "Leave out --merge-into, or give the 16-bit model."};
        }
    }
    if (into == "dequantized") request.dequantized = nf4_options(source);
    if (options.dtype == "float32") request.dtype = core::TensorDtype::Float32;
    if (options.dtype == "bfloat16") request.dtype = core::TensorDtype::BFloat16;
    return core::merge_adapter(request);
}

/// Formats with what was written, and the losses, as --json prints them.
using Report = nlohmann::ordered_json;

/// Merges as asked; what was written goes into the report, and its folders to `models`.
core::Result<void> export_merged(const CommonOptions& common, const ExportOptions& options,
                                 const ExportSource& source, const std::filesystem::path& folder,
                                 Report& report, std::vector<MergedModel>& models) {
    const bool was_nf4 = source.quantization.base == core::BaseQuantization::Nf4;
    std::vector<std::string> bases{options.merge_into};
    if (options.merge_into == "auto") bases = {was_nf4 ? "dequantized" : "original"};
    if (options.merge_into == "both") bases = {"original", "dequantized"};
    for (const std::string& base : bases) {
        const std::string name = bases.size() == 1 ? "merged" : "merged_" + base;
        const std::filesystem::path into = bases.size() == 1 ? folder : folder / base;
        TRY(merged, merge_into(common, options, source, into, base));
        if (source.recipe && !merged.is_base_known) {
            fmt::print(stderr,
                       "dayrun: An older Dayrun trained this adapter and kept no record of its "
                       "base, so whether '{}' is still the same is not known.\n",
                       source.base.string());
        }
        const char* const weights = merged.is_dequantized ? "dequantized" : "original";
        report[name] = {
            {"folder", into.string()},
            {"merged_modules", merged.merged_modules},
            {"merged_into", weights},
            {"bytes", merged.bytes},
            {"summary", fmt::format("{} merged into the {} weights",
                                    core::count_of(merged.merged_modules, "module"), weights)}};
        models.push_back({name, into});
    }
    return {};
}

core::Result<void> export_nf4(const ExportSource& source, const std::filesystem::path& folder,
                              Report& report) {
    TRY(written,
        core::export_nf4({.base = source.base, .out = folder, .options = nf4_options(source)}));
    report["nf4"] = {
        {"folder", folder.string()},
        {"quantized_modules", written.quantized_modules},
        {"bytes", written.bytes},
        {"summary", core::count_of(written.quantized_modules, "module") + " in 4 bits"}};
    return {};
}

/// What the merges cost on the run's held-out rows. A loss that cannot be measured is told and no
/// fault of the export, which is on the disk already.
void add_losses(const CommonOptions& common, const ExportOptions& options,
                const ExportSource& source, const std::vector<MergedModel>& models,
                Report& report) {
    if (models.empty() || !source.recipe || options.no_loss) return;
    const auto losses =
        measure_merges(common, *source.recipe, source.cache, source.adapter, models);
    if (!losses.ok()) {
        fmt::print(stderr, "dayrun: The validation loss of the merge was not measured: {}\n",
                   losses.error().text());
        return;
    }
    if (losses->target_tokens == 0) return;
    Report table = {{"target_tokens", losses->target_tokens}, {"unmerged", losses->unmerged}};
    for (const auto& [name, loss] : losses->merged) table[name] = loss;
    report["validation_loss"] = std::move(table);
}

/// The report as people read it; the same text stands in OUT/export.md.
std::string report_text(const Report& report) {
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
    const Report& losses = report["validation_loss"];
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

int run_export(const CommonOptions& common, const ExportOptions& options) {
    if (const auto fits = check_options(options); !fits.ok()) return report_error(fits.error());
    const auto source = source_of(options);
    if (!source.ok()) return report_error(source.error());
    const std::filesystem::path out(options.out);
    Report report;
    std::vector<MergedModel> models;
    for (const std::string& format : options.to) {
        // One format goes into OUT itself, several each into a folder of its own.
        const std::filesystem::path folder = options.to.size() == 1 ? out : out / format;
        core::Result<void> done = {};
        if (format == "peft") {
            done = export_peft(*source, folder);
            report[format] = {{"folder", folder.string()}};
        } else if (format == "nf4") {
            done = export_nf4(*source, folder, report);
        } else {
            done = export_merged(common, options, *source, folder, report, models);
        }
        if (!done.ok()) return report_error(done.error());
    }
    add_losses(common, options, *source, models, report);
    const std::string text = report_text(report);
    const auto written = core::write_file(
        out / "export.md", fmt::format("# Export of {}\n\n```\n{}```\n", source->title, text));
    if (!written.ok()) return report_error(written.error());
    fmt::print("{}", common.json ? report.dump() + "\n" : text);
    return kExitDone;
}

}  // namespace

void add_export_command(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<ExportOptions>();
    auto* command =
        parser.add_subcommand("export", "Write a run's adapter, or base and adapter merged");
    command->footer("Example: dayrun export 7f3a --to merged --out merged-model");
    command->add_option("run", options->run, "Run id, its beginning, or a name");
    command->add_option("--project", options->project, "Project folder")->capture_default_str();
    command->add_option("--model", options->model, "Base model folder, instead of a run");
    command->add_option("--adapter", options->adapter, "PEFT adapter folder, instead of a run");
    command->add_option("--to", options->to, "peft, merged, nf4 (the base alone, in 4 bits)")
        ->delimiter(',')
        ->check(known_format)
        ->capture_default_str();
    command->add_option("--out", options->out, "Folder to write")->required();
    command->add_option("--dtype", options->dtype, "Merged weights; default: as the base's file")
        ->check(CLI::IsMember({"float32", "bfloat16"}));
    command
        ->add_option("--merge-into", options->merge_into,
                     "The base's original weights, or those that training over NF4 saw; auto: as "
                     "the run was trained; both: each in a folder of its own")
        ->check(CLI::IsMember({"auto", "original", "dequantized", "both"}))
        ->capture_default_str();
    command->add_flag("--no-loss", options->no_loss,
                      "Do not measure a merged run's validation loss against the unmerged one");
    command->add_flag("--any-base", options->any_base,
                      "Merge into another base than the one that the adapter was trained on");
    options->quantization.add_to(*command);
    command->callback([&chosen, options] {
        chosen = [options](const CommonOptions& common) { return run_export(common, *options); };
    });
}

}  // namespace dayrun::app
