// dayrun export: an adapter in PEFT layout, the base with the adapter merged in, or the base alone
// as a 4-bit checkpoint.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/quantization_options.h"
#include "core/base/atomic_file.h"
#include "core/base/units.h"
#include "core/export/merge.h"
#include "core/export/nf4_export.h"
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
    QuantizationOptions quantization;
};

struct ExportSource {
    std::filesystem::path base;
    std::filesystem::path adapter;  // empty when only the base is exported
    core::QuantizationSpec quantization;
};

bool needs_adapter(const ExportOptions& options) {
    return std::any_of(options.to.begin(), options.to.end(),
                       [](const std::string& format) { return format != "nf4"; });
}

core::Result<ExportSource> source_of(const ExportOptions& options) {
    if (!options.model.empty() || !options.adapter.empty() || options.run.empty()) {
        const bool lacks_adapter = options.adapter.empty() && needs_adapter(options);
        if (options.model.empty() || lacks_adapter || !options.run.empty()) {
            return core::Error{.code = core::ErrorCode::BadUsage,
                               .message = "export takes a run, or --model with --adapter.",
                               .hint = "Example: dayrun export 7f3a --to merged --out merged"};
        }
        return ExportSource{options.model, options.adapter, options.quantization.spec()};
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
    return ExportSource{recipe.resolved(recipe.base.path), project->folder() / run.adapter,
                        recipe.quantization};
}

core::Result<void> export_peft(const ExportSource& source, const std::filesystem::path& out) {
    TRY_VOID(core::ensure_folder(out));
    std::error_code code;
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

core::Result<core::MergeReport> export_merged(const CommonOptions& common,
                                              const ExportOptions& options,
                                              const ExportSource& source,
                                              const std::filesystem::path& folder) {
    core::MergeRequest request;
    request.base = source.base;
    request.adapter = source.adapter;
    request.out = folder;
    request.threads = common.threads;
    if (options.merge_into == "original") {
        TRY(config, core::read_model_config(source.base));
        if (!config.quantization.empty()) {
            return core::Error{.code = core::ErrorCode::BadUsage,
                               .message = fmt::format("'{}' holds 4-bit weights only, so there are "
                                                      "no original ones to merge into.",
                                                      source.base.string()),
                               .hint = "Leave out --merge-into, or give the 16-bit model."};
        }
    }
    const bool was_nf4 = source.quantization.base == core::BaseQuantization::Nf4;
    if (options.merge_into == "dequantized" || (options.merge_into == "auto" && was_nf4)) {
        request.dequantized = nf4_options(source);
    }
    if (options.dtype == "float32") request.dtype = core::TensorDtype::Float32;
    if (options.dtype == "bfloat16") request.dtype = core::TensorDtype::BFloat16;
    return core::merge_adapter(request);
}

void print_report(const nlohmann::ordered_json& report, bool json) {
    if (json) {
        fmt::print("{}\n", report.dump());
        return;
    }
    for (const auto& [format, entry] : report.items()) {
        fmt::print("{}: {}", format, entry["folder"].get<std::string>());
        if (entry.contains("bytes")) {
            fmt::print(" ({}, {})", entry["summary"].get<std::string>(),
                       core::format_bytes(entry["bytes"].get<int64_t>()));
        }
        fmt::print("\n");
    }
}

int run_export(const CommonOptions& common, const ExportOptions& options) {
    const auto source = source_of(options);
    if (!source.ok()) return report_error(source.error());
    const std::filesystem::path out(options.out);
    nlohmann::ordered_json report;
    for (const std::string& format : options.to) {
        // One format goes into OUT itself, several each into a folder of its own.
        const std::filesystem::path folder = options.to.size() == 1 ? out : out / format;
        report[format] = {{"folder", folder.string()}};
        if (format == "peft") {
            const auto done = export_peft(*source, folder);
            if (!done.ok()) return report_error(done.error());
            continue;
        }
        if (format == "nf4") {
            const auto written = core::export_nf4(
                {.base = source->base, .out = folder, .options = nf4_options(*source)});
            if (!written.ok()) return report_error(written.error());
            report[format]["quantized_modules"] = written->quantized_modules;
            report[format]["bytes"] = written->bytes;
            report[format]["summary"] =
                fmt::format("{} modules in 4 bits", written->quantized_modules);
            continue;
        }
        const auto merged = export_merged(common, options, *source, folder);
        if (!merged.ok()) return report_error(merged.error());
        const char* const into = merged->is_dequantized ? "dequantized" : "original";
        report[format]["merged_modules"] = merged->merged_modules;
        report[format]["merged_into"] = into;
        report[format]["bytes"] = merged->bytes;
        report[format]["summary"] =
            fmt::format("{} modules merged into the {} weights", merged->merged_modules, into);
    }
    print_report(report, common.json);
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
        ->check(CLI::IsMember({"peft", "merged", "nf4"}))
        ->capture_default_str();
    command->add_option("--out", options->out, "Folder to write")->required();
    command->add_option("--dtype", options->dtype, "Merged weights; default: as the base's file")
        ->check(CLI::IsMember({"float32", "bfloat16"}));
    command
        ->add_option("--merge-into", options->merge_into,
                     "The base's original weights, or those that training over NF4 saw; auto: as "
                     "the run was trained")
        ->check(CLI::IsMember({"auto", "original", "dequantized"}))
        ->capture_default_str();
    options->quantization.add_to(*command);
    command->callback([&chosen, options] {
        chosen = [options](const CommonOptions& common) { return run_export(common, *options); };
    });
}

}  // namespace dayrun::app
