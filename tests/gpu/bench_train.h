// Training speed and memory on models of true shape. Neighbour: gpu_bench.cpp.
#pragma once

#include "tests/gpu/gpu_checks.h"

namespace dayrun::tests {

/// The card's own matrix-multiply peak in bfloat16, and per setting: tokens per second, share of
/// that peak, peak memory, losses. The rows and losses lie beside the models for the peer.
void bench_train(Checks& checks, const GpuArguments& arguments);

}  // namespace dayrun::tests
