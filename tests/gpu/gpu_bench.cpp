// The benchmark of a GPU machine: models of true shape with random weights. Without a usable card
// one SKIP line says why.
//     gpu_bench [--out DIR] [--device N] [--only NAME[,NAME...]] [--steps N]
// Needs 30 GB in DIR for one model at a time; the last one stays, for the peer
// (packaging/gpu-bundle/peer_bench.py). Neighbour: bench_train.cpp.
#include <cstdio>

#include "tests/gpu/bench_train.h"

int main(int argc, char** argv) {
    using namespace dayrun::tests;
    const GpuArguments arguments = read_arguments(argc, argv);
    if (const std::string reason = no_gpu_reason(arguments.device); !reason.empty()) {
        std::printf("SKIP gpu_bench: %s\n", reason.c_str());
        return 0;
    }
    Checks checks;
    bench_train(checks, arguments);
    const bool is_written = checks.write(arguments.out, "gpu_bench");
    std::printf("%d failed, %d skipped\n", checks.failed(), checks.skipped());
    return checks.failed() == 0 && is_written ? 0 : 1;
}
