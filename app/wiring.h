// Joins the rooms: which device, which engine factory, which project. Called by the commands.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "app/command.h"
#include "core/base/result.h"
#include "core/engine/engine.h"
#include "core/records/project.h"
#include "core/run/run_order.h"

namespace dayrun::app {

/// `auto` is the first usable CUDA device, else the CPU. NoGpu or BadUsage with the reason.
core::Result<core::Device> choose_device(const CommonOptions& common);

/// What a plan may use of a card: the recipe's limit, else what is free. Empty on a CPU.
core::Result<std::optional<int64_t>> card_memory(const core::Device& device,
                                                 const core::Recipe& recipe);

/// "CPU, 2 threads" or the card's name.
std::string device_name(const core::Device& device);

/// Where the runs and token caches of a recipe or queue in `folder` belong: the project `given` on
/// the command line; else the one that the folder is, or in whose recipes/ it lies; else the folder
/// itself.
std::filesystem::path project_folder_of(const std::filesystem::path& folder,
                                        const std::string& given);

/// The libtorch engine of this program.
core::EngineFactory engine_factory();

/// An order for this device, with the build id and the device's name filled in.
core::RunOrder order_for(const core::Device& device);

/// An engine that holds the base of `model`, with the adapter folder applied when one is given:
/// for generate and logprobs, no optimizer. `dtype` Auto computes in the file's own.
core::Result<std::unique_ptr<core::Engine>> open_model(
    const CommonOptions& common, const std::filesystem::path& model,
    const std::filesystem::path& adapter, core::DtypeChoice dtype,
    const core::QuantizationSpec& quantization = {});

}  // namespace dayrun::app
