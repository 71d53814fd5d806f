// Reads the command line, runs the chosen command, turns what is left of faults into exit codes.
// Neighbours: options.cpp (the parser), commands/ (one file a group of commands).
#include <exception>

#include "app/command.h"
#include "app/options.h"
#include "core/base/check.h"

// What reports an end throws only when memory is used up, and then no end is better than another.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
    using namespace dayrun;
    app::Options options = app::make_options();
    try {
        options.parser->parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11 prints help and usage errors itself; every usage error is exit code 2.
        return options.parser->exit(error) == 0 ? app::kExitDone : app::kExitBadInput;
    }
    try {
        return options.action(options.common);
    } catch (const core::CheckFailed& fault) {
        return app::report_error(
            {.code = core::ErrorCode::Internal,
             .message = "Dayrun made a mistake of its own.",
             .hint = "Please report it with this line: " + std::string(fault.what())});
    } catch (const std::bad_alloc&) {
        return app::report_error({.code = core::ErrorCode::OutOfHostMemory,
                                  .message = "The computer's memory is used up.",
                                  .hint = "Close other programs, or choose a smaller model."});
    } catch (const std::exception& fault) {
        return app::report_error({.code = core::ErrorCode::Internal,
                                  .message = "Dayrun met something it did not expect: " +
                                             std::string(fault.what()) + "."});
    }
}
