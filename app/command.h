// How a subcommand joins the program: it adds its options to the parser and, when chosen, leaves
// behind the function to run. Neighbours: options.cpp lists the commands, main.cpp runs the chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "core/base/result.h"
#include "core/engine/engine.h"

namespace dayrun::app {

/// Exit codes of contracts.md section 2.
inline constexpr int kExitDone = 0;
inline constexpr int kExitItemFailed = 1;
inline constexpr int kExitBadInput = 2;

/// Options that every command takes.
struct CommonOptions {
    std::string device = "auto";  // auto | cpu | cuda:N
    int threads = 0;              // 0: all cores
    bool json = false;            // one document on standard output
};

/// The work of a chosen command; returns the exit code.
using Action = std::function<int(const CommonOptions&)>;

/// Adds subcommands to `parser`; the chosen one stores its Action in `chosen`.
void add_batch_options(CLI::App& parser, Action& chosen);
void add_project_commands(CLI::App& parser, Action& chosen);
void add_recipe_commands(CLI::App& parser, Action& chosen);
void add_data_commands(CLI::App& parser, Action& chosen);
void add_plan_command(CLI::App& parser, Action& chosen);
void add_token_commands(CLI::App& parser, Action& chosen);
void add_model_commands(CLI::App& parser, Action& chosen);
void add_record_commands(CLI::App& parser, Action& chosen);
void add_export_command(CLI::App& parser, Action& chosen);
void add_doctor_command(CLI::App& parser, Action& chosen);
void add_window_options(CLI::App& parser, Action& chosen);

/// Prints the error for a person on standard error (and its code for --json) and gives its exit
/// code: bad input or usage is 2, everything else 1.
int report_error(const core::Error& error);

}  // namespace dayrun::app
