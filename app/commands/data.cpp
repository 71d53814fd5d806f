// dayrun data inspect | compile: what files hold, and what the model will see of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/wiring.h"
#include "core/base/units.h"
#include "core/compile/cache/data_compiler.h"
#include "core/compile/cache/data_report.h"
#include "core/data/inspect.h"
#include "core/recipe/recipe_yaml.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::app {
namespace {

using Json = nlohmann::ordered_json;

struct DataOptions {
    std::vector<std::string> files;
    std::string recipe;
    std::string project;
    std::vector<std::string> set;  // "key=value"
};

void print_source(const core::SourceReport& source) {
    fmt::print("{} ({}{})\n", source.name, source.converter,
               source.from_cache ? ", from the cache" : "");
    fmt::print("  {} in: {} train, {} validation, {} test\n", core::count_of(source.rows_in, "row"),
               core::format_count(source.train_rows), core::format_count(source.validation_rows),
               core::format_count(source.test_rows));
    for (const auto& [reason, entry] : source.dropped.reasons) {
        fmt::print("  dropped {}: {}\n", core::format_count(entry.count), reason);
        for (const std::string& example : entry.examples) fmt::print("    {}\n", example);
    }
    for (const auto& [part, entry] : source.shortened.reasons) {
        fmt::print("  used without {}: {}\n", part, core::count_of(entry.count, "row"));
        for (const std::string& example : entry.examples) fmt::print("    {}\n", example);
    }
    fmt::print("  {}, {} of them trained; {} cut by {}, {} lost\n",
               core::count_of(source.tokens, "token"), core::format_count(source.trained_tokens),
               core::count_of(source.truncated_rows, "row"),
               core::count_of(source.truncated_tokens, "token"),
               core::count_of(source.lost_stop_tokens, "stop token"));
    fmt::print(
        "  {} and {} an epoch, {:.2f} effective epochs over {}, "
        "{:.1f} % of the mix\n",
        core::count_of(source.rows_per_epoch, "row"),
        core::count_of(source.trained_tokens_per_epoch, "trained token"), source.effective_epochs,
        core::count_of(source.effective_unique_rows, "different row"), 100 * source.share);
}

core::Result<void> print_overlap(const core::CompiledData& data, const core::Tokenizer* tokenizer) {
    constexpr size_t kMostHits = 5;
    fmt::print("{} also among the training rows\n",
               core::count_of(data.overlap.exact, "validation row"));
    for (const core::OverlapSet& set : data.overlap.sets) {
        fmt::print("overlap with {} ({}): {} by an equal input, {} by shared words\n", set.name,
                   core::count_of(set.rows, "row"), core::count_of(set.exact_rows, "row"),
                   core::format_count(set.ngram_rows));
        for (size_t i = 0; i < data.sources.size(); ++i) {
            if (set.exact_by_source[i] + set.ngram_by_source[i] == 0) continue;
            fmt::print("  {}: {} with an equal input, {} with shared words\n", data.sources[i].name,
                       core::count_of(set.exact_by_source[i], "training row"),
                       core::format_count(set.ngram_by_source[i]));
        }
    }
    for (size_t i = 0; i < std::min(kMostHits, data.overlap.hits.size()); ++i) {
        const core::OverlapHit& hit = data.overlap.hits[i];
        TRY(shared, data.shared_text(hit, tokenizer));
        fmt::print("  {} {} {}: {}\n", data.place_of(hit.train), hit.is_exact ? "=" : "~",
                   hit.other, shared);
    }
    return {};
}

int compile(const CommonOptions& common, const DataOptions& options) {
    core::RecipeOverrides set;
    for (const std::string& one : options.set) {
        const size_t equals = one.find('=');
        if (equals == std::string::npos) {
            return report_error({.code = core::ErrorCode::BadUsage,
                                 .message = fmt::format("--set {} has no '='.", one),
                                 .hint = "Write --set sources.folder=DOWNLOADS."});
        }
        set.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    }
    const auto recipe = core::read_recipe(options.recipe, set);
    if (!recipe.ok()) return report_error(recipe.error());
    std::unique_ptr<core::Tokenizer> tokenizer;
    if (core::needs_tokenizer(*recipe)) {
        auto opened = core::open_tokenizer(recipe->resolved(recipe->base.path));
        if (!opened.ok()) return report_error(opened.error());
        tokenizer = std::move(*opened);
    }
    const std::filesystem::path project = project_folder_of(recipe->folder, options.project);
    // Caches that are whole are what this command is for.
    const auto data = core::compile_data(*recipe, tokenizer.get(), project / "cache", {}, {},
                                         core::CacheCheck::EveryRow);
    if (!data.ok()) return report_error(data.error());
    if (common.json) {
        const auto report = core::data_report_json(**data, tokenizer.get());
        if (!report.ok()) return report_error(report.error());
        fmt::print("{}\n", *report);
        return kExitDone;
    }
    for (const auto& source : (*data)->sources) print_source(source);
    const auto printed = print_overlap(**data, tokenizer.get());
    if (!printed.ok()) return report_error(printed.error());
    for (const std::string& warning : (*data)->warnings) fmt::print("warning: {}\n", warning);
    fmt::print("data {}\n", (*data)->data_sha256);
    return kExitDone;
}

Json inspection_json(const core::FileInspection& file) {
    Json columns = Json::array();
    for (const auto& column : file.columns) {
        columns.push_back({{"name", column.name}, {"type", column.type}});
    }
    Json mapping = Json::object();
    for (const auto& [field, column] : file.mapping) mapping[field] = column;
    return {{"path", file.path.string()},
            {"format", file.format},
            {"columns", columns},
            {"rows", file.row_count},
            {"converter", file.converter},
            {"mapping", mapping},
            {"first_bad_row", file.first_bad_row}};
}

void print_inspection(const core::FileInspection& file) {
    fmt::print("{}\n  format     {}\n  rows       {}\n", file.path.string(), file.format,
               core::format_count(file.row_count));
    for (const auto& column : file.columns)
        fmt::print("  column     {} ({})\n", column.name, column.type);
    const bool is_known = !file.converter.empty();
    fmt::print("  converter  {}\n", is_known ? file.converter : "none fits");
    // What the recipe takes in the converter's place, to be edited.
    fmt::print("  {}    columns: {}\n", is_known ? "or edit" : "mapping",
               file.mapping.empty() ? "{instruction: COLUMN, response: COLUMN}"
                                    : core::mapping_yaml(file.mapping));
    if (!file.first_bad_row.empty()) fmt::print("  first bad  {}\n", file.first_bad_row);
}

int inspect(const CommonOptions& common, const DataOptions& options) {
    int exit_code = kExitDone;
    Json all = Json::array();
    for (const std::string& path : options.files) {
        const auto file = core::inspect_file(path);
        if (!file.ok()) {
            exit_code = std::max(exit_code, report_error(file.error()));
            continue;
        }
        if (common.json) {
            all.push_back(inspection_json(*file));
        } else {
            print_inspection(*file);
        }
    }
    if (common.json) {
        fmt::print("{}\n", all.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return exit_code;
}

}  // namespace

void add_data_commands(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<DataOptions>();
    auto* group = parser.add_subcommand("data", "Look into data files, or compile a recipe's data");
    group->footer("Example: dayrun data inspect train.jsonl");
    group->require_subcommand(1);
    auto* look = group->add_subcommand(
        "inspect", "Format, columns, rows, converter and mapping, first bad row");
    look->footer("Example: dayrun data inspect train.jsonl");
    look->add_option("files", options->files, "Data files")->required();
    look->callback([&chosen, options] {
        chosen = [options](const CommonOptions& common) { return inspect(common, *options); };
    });
    auto* build =
        group->add_subcommand("compile", "Build a recipe's token caches and report on them");
    build->footer("Example: dayrun data compile recipe.yaml --set tokens.max_seq_len=1024");
    build->add_option("recipe", options->recipe, "Recipe file")->required();
    build->add_option("--set", options->set, "Change a setting for this time: key=value")
        ->take_all();
    build->add_option("--project", options->project,
                      "Project folder for the caches; default: the one the recipe lies in, else "
                      "the recipe's folder");
    build->callback([&chosen, options] {
        chosen = [options](const CommonOptions& common) { return compile(common, *options); };
    });
}

}  // namespace dayrun::app
