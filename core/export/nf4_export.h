// A base as a 4-bit checkpoint that transformers and bitsandbytes load: linear modules in NF4 under
// bitsandbytes' names, everything else as it is, and a config.json that says so.
// Neighbours: core/quantize, merge.h. Any thread; blocks it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>

#include "core/base/result.h"
#include "core/quantize/nf4_tensors.h"

namespace dayrun::core {

struct Nf4ExportRequest {
    std::filesystem::path base = {};  // a model folder with F32, BF16 or F16 weights
    std::filesystem::path out = {};   // made when missing
    Nf4Options options = {};
    std::stop_token stop = {};
    std::function<void(int64_t done_bytes, int64_t total_bytes)> on_progress = {};
};

struct Nf4ExportReport {
    int64_t quantized_modules = 0;
    int64_t bytes = 0;  // of the weights written
};

/// Memory: one weight. Nothing is written half; a base that is 4-bit already is refused.
Result<Nf4ExportReport> export_nf4(const Nf4ExportRequest& request);

}  // namespace dayrun::core
