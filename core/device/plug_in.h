// A plug-in of the program: where it lies, and how it is opened. Neighbours: cuda_probe.h and
// core/engine/device/open_torch.h have one each. Any thread.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.h"

namespace dayrun::core {

struct PlugIn {
    const char* file = nullptr;       // "libdayrun_cuda.so"
    const char* title = nullptr;      // "CUDA plug-in", for sentences
    const char* libraries = nullptr;  // what it brings along: "the CUDA libraries"
    const char* variable = nullptr;   // of the environment: names another file, by an absolute path
    ErrorCode missing = ErrorCode::FileMissing;  // of every error below
    /// Why this build has none, and what to do about it; empty where it has one.
    std::string not_built = {}, not_built_hint = {};
};

/// The file that the variable names, or the one beside the executable or in
/// <executable>/../lib/dayrun.
Result<std::filesystem::path> find_plug_in(const PlugIn& plug_in);

/// Opens the file, which is never closed again, and gives one of its exported functions.
Result<void*> open_plug_in(const PlugIn& plug_in, const std::filesystem::path& file,
                           const char* symbol);

/// The file is of another build.
Error other_version(const PlugIn& plug_in, const std::filesystem::path& file);

}  // namespace dayrun::core
