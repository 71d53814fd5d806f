// The command line as a whole: common options and all subcommands (contracts.md section 2).
#pragma once

#include <memory>

#include "app/command.h"

namespace dayrun::app {

struct Options {
    std::unique_ptr<CLI::App> parser;
    CommonOptions common;
    Action action;  // set by the chosen command while parsing
};

/// The parser with every command; `common` and `action` are filled by parser->parse().
/// The returned object must stay where it is, since the parser writes into it.
Options make_options();

}  // namespace dayrun::app
