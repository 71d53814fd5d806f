// Where a plug-in of the program lies. Neighbours: cuda_probe.h and core/engine/device/open_torch.h
// open one each. Any thread.
#pragma once

#include <filesystem>
#include <optional>

#include "core/base/result.h"

namespace dayrun::core {

struct PlugIn {
    const char* file = nullptr;      // "libdayrun_cuda.so"
    const char* title = nullptr;     // "CUDA plug-in", for sentences
    const char* variable = nullptr;  // of the environment: names another file, by an absolute path
    ErrorCode missing = ErrorCode::FileMissing;
};

/// The file that the variable names, or the one beside the executable or in
/// <executable>/../lib/dayrun; nothing when there is none. `missing` when the variable is wrong.
Result<std::optional<std::filesystem::path>> find_plug_in(const PlugIn& plug_in);

}  // namespace dayrun::core
