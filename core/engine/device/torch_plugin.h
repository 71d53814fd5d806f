// The table between the engine and what it takes from libtorch on a CPU: the products of MKL and
// oneDNN, and their memory. No exception and no object of libtorch crosses it: what
// goes wrong inside comes back as a code and a sentence. Neighbours: open_torch.h opens it,
// core/engine/torch/ is the other side, linear/gemm.cpp multiplies by it. Torch-free.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/engine/linear/product.h"

namespace dayrun::engine {

/// What libtorch asks the program: its memory is counted in the program's ledger. Any thread.
struct TorchHost {
    bool (*take)(int64_t bytes) = nullptr;  // false: over the budget, and nothing was counted
    void (*give_back)(int64_t bytes) = nullptr;
};

enum class TorchOutcome { Done, OutOfMemory, Failed };

/// c = alpha * op(a) op(b) + beta * c, column-major and with BLAS's letters; c is float32.
struct BlasProduct {
    char transpose_a = 'N';
    char transpose_b = 'N';
    int m = 0, n = 0, k = 0;
    float alpha = 1.0F;
    const void* a = nullptr;
    int lda = 0;
    const void* b = nullptr;
    int ldb = 0;
    float beta = 0.0F;
    float* c = nullptr;
    int ldc = 0;
};

/// Another number for every change of these structs: a plug-in of another build is refused.
inline constexpr int kTorchTableLayout = 2;

struct TorchTable {
    int layout = kTorchTableLayout;
    const char* version = nullptr;  // "2.11.0 (MKL, oneDNN)"

    // ---- products, on the calling thread alone ----
    void (*product_f32)(const BlasProduct& product) = nullptr;   // MKL's sgemm
    void (*product_bf16)(const BlasProduct& product) = nullptr;  // MKL: bfloat16 a and b
    /// oneDNN's product; out has the type of a and b, and the rows of a lie end to end. Writes why
    /// not into `error`.
    TorchOutcome (*product_onednn)(const Product& product, char* error,
                                   size_t error_size) = nullptr;

    // ---- memory, as libtorch gets and returns it; null when there is none. For tests ----
    void* (*allocate)(int64_t bytes) = nullptr;
    void (*release)(void* data) = nullptr;
};

}  // namespace dayrun::engine

/// Sets libtorch up and gives the table, which holds for the rest of the process.
using DayrunTorchOpenFunction =
    const dayrun::engine::TorchTable* (*)(const dayrun::engine::TorchHost& host);

#define DAYRUN_TORCH_OPEN_SYMBOL "dayrun_torch_open"
