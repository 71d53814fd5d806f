// The single door of the engine room; torch-free. app/ plugs it into core/run.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/engine/engine.h"

namespace dayrun::engine {

/// An engine on the device. NoGpu with the reason when CUDA is asked for and absent, NoLibtorch
/// when the CPU is and its plug-in cannot be opened.
core::Result<std::unique_ptr<core::Engine>> make_engine(const core::Device& device);

/// "2.11.0 (MKL, oneDNN)": opens libtorch to ask it, for `dayrun doctor`.
core::Result<std::string> torch_version();

}  // namespace dayrun::engine
