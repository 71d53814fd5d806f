// Opens an accelerator on a CUDA device through the plug-in. Neighbours: device/cuda_plugin.h is
// the plug-in's side, core/device/cuda_probe.h finds the file. Lives on the run thread; torch-free.
#pragma once

#include <functional>
#include <memory>

#include "core/base/result.h"
#include "core/engine/device/accelerator.h"
#include "core/engine/engine.h"
#include "core/recipe/recipe.h"

namespace dayrun::engine {

/// Makes an accelerator for a recipe: budget.max_device_bytes is its limit, batch.deterministic
/// chooses the attention's backward.
using OpenAccelerator =
    std::function<core::Result<std::unique_ptr<Accelerator>>(const core::Recipe&)>;

/// The device's accelerator. NoGpu with what is missing (plug-in, driver, a driver new enough, a
/// card new enough), or OutOfGpuMemory.
core::Result<std::unique_ptr<Accelerator>> open_cuda(const core::Device& device,
                                                     const core::Recipe& recipe);

}  // namespace dayrun::engine
