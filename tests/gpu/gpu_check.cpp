// The checks of a GPU machine: the engine on the card against the CPU and against itself. Exit code
// 0 when nothing failed; without a usable card one SKIP line says why.
//     gpu_check [--out DIR] [--device N] [--only NAME[,NAME...]]
// Neighbours: check_card.cpp, check_engine.cpp, check_goldens.cpp; the kernels have their own
// program (tests/kernels/device).
#include <cstdio>

#include "tests/gpu/check_card.h"
#include "tests/gpu/check_engine.h"
#include "tests/gpu/check_goldens.h"

int main(int argc, char** argv) {
    using namespace dayrun::tests;
    const GpuArguments arguments = read_arguments(argc, argv);
    if (const std::string reason = no_gpu_reason(arguments.device); !reason.empty()) {
        std::printf("SKIP gpu_check: %s\n", reason.c_str());
        return 0;
    }
    Checks checks;
    if (arguments.wants("engine")) check_engine(checks, arguments);
    if (arguments.wants("card")) check_card(checks, arguments);
    if (arguments.wants("goldens")) check_goldens(checks, arguments);
    const bool is_written = checks.write(arguments.out, "gpu_check");
    std::printf("%d failed, %d skipped\n", checks.failed(), checks.skipped());
    return checks.failed() == 0 && is_written ? 0 : 1;
}
