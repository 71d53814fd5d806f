// Builds the parser. Neighbour: command.h.
#include "app/options.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/version.h"
#include "core/device/worker_threads.h"

namespace dayrun::app {
namespace {

// CLI11 keeps pointers into these, and Options is moved out of make_options.
CommonOptions s_common;
Action s_action;

// The options that work everywhere stand in every command's help too.
void tell_common_options(CLI::App& command) {
    for (CLI::App* inner : command.get_subcommands({})) tell_common_options(*inner);
    command.footer("Everywhere: --device auto|cpu|cuda:0, --threads N, --json\n" +
                   command.get_footer());
}

}  // namespace

Options make_options() {
    auto parser = std::make_unique<CLI::App>(
        "Dayrun fine-tunes language models on one GPU within a day.\n"
        "Without a command it opens the window on the last project.",
        "dayrun");
    parser->footer("Example: dayrun --batch night.yaml --device cuda:0");
    parser->set_version_flag("--version", version_text);
    parser->add_option("--device", s_common.device, "auto, cpu or cuda:N")->capture_default_str();
    parser->add_option("--threads", s_common.threads, "CPU threads; 0 = all cores")
        ->check(CLI::Range(0, 4096))
        ->capture_default_str();
    parser->add_flag("--json", s_common.json, "Print one JSON document on standard output");
    parser->fallthrough();
    parser->require_subcommand(0, 1);
    // The order here is the order of the help.
    add_window_options(*parser, s_action);
    add_batch_options(*parser, s_action);
    add_project_commands(*parser, s_action);
    add_recipe_commands(*parser, s_action);
    add_data_commands(*parser, s_action);
    add_plan_command(*parser, s_action);
    add_token_commands(*parser, s_action);
    add_model_commands(*parser, s_action);
    add_record_commands(*parser, s_action);
    add_export_command(*parser, s_action);
    add_doctor_command(*parser, s_action);
    for (CLI::App* command : parser->get_subcommands({})) {
        command->excludes(parser->get_option("--batch"));
        tell_common_options(*command);
    }
    return {std::move(parser), {}, [](const CommonOptions&) {
                core::set_worker_threads(s_common.threads);
                return s_action(s_common);
            }};
}

int report_error(const core::Error& error) {
    std::fflush(stdout);
    fmt::print(stderr, "dayrun: {}\n", error.text());
    switch (error.code) {
        case core::ErrorCode::BadRecipe:
        case core::ErrorCode::BadUsage:
        case core::ErrorCode::BadData:
        case core::ErrorCode::BadModel:
        case core::ErrorCode::BadTokenizer:
        case core::ErrorCode::FileMissing:
        case core::ErrorCode::FileDamaged:
        case core::ErrorCode::Unsupported:
        case core::ErrorCode::NoGpu:
            return kExitBadInput;
        default:
            return kExitItemFailed;
    }
}

}  // namespace dayrun::app
