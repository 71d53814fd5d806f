// dayrun export: an adapter in PEFT layout, the base with the adapter merged in, or the base alone
// as a 4-bit checkpoint.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "app/command.h"
#include "app/export_report.h"
#include "app/merge_losses.h"
#include "app/quantization_options.h"
#include "core/base/atomic_file.h"
#include "core/base/units.h"
#include "core/export/export_folder.h"
#include "core/export/merge.h"
#include "core/export/model_files.h"
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
    bool force = false;
    QuantizationOptions quantization;
};

struct ExportSource {
    std::filesystem::path base;
    std::filesystem::path adapter = {};  // empty when only the base is exported
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
    if (recipe.adapter.method == core::AdapterMethod::Full) {
        const std::filesystem::path model = project->folder() / run.adapter;
        if (needs_adapter(options)) {
            return core::Error{
                .code = core::ErrorCode::BadUsage,
                .message = fmt::format("Run {} trained all weights: '{}' is its model already.",
                                       run.run_id, model.string()),
                .hint = "Copy that folder, or export it with --to nf4."};
        }
        return ExportSource{.base = model,
                            .quantization = recipe.quantization,
                            .title = fmt::format("run {} ({})", run.run_id, run.name)};
    }
    return ExportSource{.base = recipe.resolved(recipe.base.path),
                        .adapter = project->folder() / run.adapter,
                        .quantization = recipe.quantization,
                        .recipe = recipe,
                        .cache = project->cache_folder(),
                        .title = fmt::format("run {} ({})", run.run_id, run.name)};
}

/// One folder of an export: OUT itself, or below it where there are several.
struct ExportPart {
    std::string name;  // in the report: "peft", "merged", "merged_original", "nf4"
    std::string format;
    std::string merge_into;          // of a merge: original or dequantized
    std::filesystem::path folder{};  // relative to OUT
};

std::vector<ExportPart> parts_of(const ExportOptions& options, const ExportSource& source) {
    const bool was_nf4 = source.quantization.base == core::BaseQuantization::Nf4;
    std::vector<std::string> bases{options.merge_into};
    if (options.merge_into == "auto") bases = {was_nf4 ? "dequantized" : "original"};
    if (options.merge_into == "both") bases = {"original", "dequantized"};
    std::vector<ExportPart> parts;
    for (const std::string& format : options.to) {
        const std::filesystem::path folder = options.to.size() == 1 ? "" : format;
        if (format != "merged") {
            parts.push_back({format, format, "", folder});
            continue;
        }
        for (const std::string& base : bases) {
            const std::string name =
                bases.size() == 1 ? format : fmt::format("{}_{}", format, base);
            parts.push_back({name, format, base, bases.size() == 1 ? folder : folder / base});
        }
    }
    return parts;
}

/// What will be written, before anything is: relative to OUT.
core::Result<std::vector<std::filesystem::path>> planned_files(const std::vector<ExportPart>& parts,
                                                               const ExportSource& source) {
    std::vector<std::filesystem::path> files{"export.md"};
    for (const ExportPart& part : parts) {
        if (part.format != "peft") {
            TRY(names, core::exported_model_files(source.base));
            for (const auto& name : names) files.push_back(part.folder / name);
            continue;
        }
        std::error_code ignored;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(source.adapter, ignored)) {
            if (entry.is_directory(ignored)) continue;
            files.push_back(part.folder / entry.path().lexically_relative(source.adapter));
        }
    }
    return files;
}

core::Result<void> export_peft(const ExportSource& source, const std::filesystem::path& out) {
    TRY(config, core::read_adapter_config(source.adapter));
    TRY_VOID(core::ensure_folder(out));
    std::error_code code;
    std::filesystem::copy(source.adapter, out, std::filesystem::copy_options::recursive, code);
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
core::Result<core::MergeReport> merge_into(const ExportOptions& options, const ExportSource& source,
                                           const std::filesystem::path& folder,
                                           const std::string& into) {
    core::MergeRequest request;
    request.base = source.base;
    request.adapter = source.adapter;
    request.out = folder;
    request.takes_any_base = options.any_base;
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

/// Makes one part in `staging`; what was written goes into the report under the name it will have.
core::Result<void> export_part(const ExportOptions& options, const ExportSource& source,
                               const ExportPart& part, const std::filesystem::path& staging,
                               ExportReport& report) {
    const std::filesystem::path into = staging / part.folder;
    ExportReport& entry = report[part.name];
    entry["folder"] = (part.folder.empty() ? std::filesystem::path(options.out)
                                           : std::filesystem::path(options.out) / part.folder)
                          .string();
    if (part.format == "peft") return export_peft(source, into);
    if (part.format == "nf4") {
        TRY(written,
            core::export_nf4({.base = source.base, .out = into, .options = nf4_options(source)}));
        entry["quantized_modules"] = written.quantized_modules;
        entry["bytes"] = written.bytes;
        entry["summary"] = core::count_of(written.quantized_modules, "module") + " in 4 bits";
        return {};
    }
    TRY(merged, merge_into(options, source, into, part.merge_into));
    if (source.recipe && !merged.is_base_known) {
        fmt::print(stderr,
                   "dayrun: An older Dayrun trained this adapter and kept no record of its base, "
                   "so whether '{}' is still the same is not known.\n",
                   source.base.string());
    }
    const char* const weights = merged.is_dequantized ? "dequantized" : "original";
    entry["merged_modules"] = merged.merged_modules;
    entry["merged_into"] = weights;
    entry["bytes"] = merged.bytes;
    entry["summary"] = fmt::format("{} merged into the {} weights",
                                   core::count_of(merged.merged_modules, "module"), weights);
    return {};
}

/// What the merges cost on the run's held-out rows. A loss that cannot be measured is told and no
/// fault of the export, which is on the disk already.
void measure(const CommonOptions& common, const ExportOptions& options, const ExportSource& source,
             const std::vector<ExportPart>& parts, ExportReport& report) {
    std::vector<MergedModel> models;
    for (const ExportPart& part : parts) {
        if (part.format != "merged") continue;
        models.push_back({part.name, std::filesystem::path(options.out) / part.folder});
    }
    if (models.empty() || !source.recipe || options.no_loss) return;
    const auto losses =
        measure_merges(common, *source.recipe, source.cache, source.adapter, models);
    if (losses.ok()) return add_losses(*losses, report);
    fmt::print(stderr, "dayrun: The validation loss of the merge was not measured: {}\n",
               losses.error().text());
}

/// What a person should know of the base that the parts are made of.
void tell_notes(const ExportSource& source, const std::vector<ExportPart>& parts) {
    const bool reads_base = std::any_of(parts.begin(), parts.end(),
                                        [](const auto& part) { return part.format != "peft"; });
    if (!reads_base) return;
    const auto config = core::read_model_config(source.base);
    if (!config.ok()) return;
    for (const std::string& note : config->notes) fmt::print(stderr, "dayrun: {}\n", note);
}

core::Result<ExportReport> export_all(const CommonOptions& common, const ExportOptions& options) {
    TRY_VOID(check_options(options));
    TRY(source, source_of(options));
    const std::vector<ExportPart> parts = parts_of(options, source);
    TRY(files, planned_files(parts, source));
    std::vector<std::filesystem::path> sources{source.base};
    if (!source.adapter.empty()) sources.push_back(source.adapter);
    TRY(folder, core::ExportFolder::open({.out = options.out,
                                          .files = std::move(files),
                                          .sources = std::move(sources),
                                          .force = options.force}));
    tell_notes(source, parts);
    ExportReport report;
    for (const ExportPart& part : parts) {
        TRY_VOID(export_part(options, source, part, folder->staging(), report));
    }
    TRY_VOID(folder->publish());
    measure(common, options, source, parts, report);
    TRY_VOID(core::write_file(
        folder->staging() / "export.md",
        fmt::format("# Export of {}\n\n```\n{}```\n", source.title, report_text(report))));
    TRY_VOID(folder->publish());
    return report;
}

int run_export(const CommonOptions& common, const ExportOptions& options) {
    const auto report = export_all(common, options);
    if (!report.ok()) return report_error(report.error());
    fmt::print("{}", common.json ? report->dump() + "\n" : report_text(*report));
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
    command->add_flag(
        "--force", options->force,
        "Write where a stranger's files are, over those of the same names; never over "
        "what is read");
    options->quantization.add_to(*command);
    command->callback([&chosen, options] {
        chosen = [options](const CommonOptions& common) { return run_export(common, *options); };
    });
}

}  // namespace dayrun::app
