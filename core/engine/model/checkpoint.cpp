// Files of trained parameters. Neighbour: checkpoint.h.
#include "core/engine/model/checkpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>

#include "core/base/atomic_file.h"
#include "core/base/atomic_folder.h"
#include "core/engine/device/host_mirror.h"
#include "core/model/adapter_files.h"
#include "core/model/safetensors.h"

namespace dayrun::engine {
namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::TensorToWrite;

constexpr const char* kStateFile = "trainer_state.safetensors";
constexpr const char* kStepKey = "optimizer_steps";

std::span<const std::byte> bytes_of(const void* data, int64_t bytes) {
    return {static_cast<const std::byte*>(data), static_cast<size_t>(bytes)};
}

/// The tensors to write, and the host copies that they point to: of a device's memory, or rounded.
struct Tensors {
    std::vector<TensorToWrite> list;
    std::deque<HostMirror> mirrors;
    std::deque<std::vector<bfloat16>> rounded;

    const void* host(void* block, int64_t bytes) {
        return mirrors.emplace_back(block, bytes, MirrorUse::Read).data();
    }
};

Tensors parameter_tensors(const ParameterSet& parameters, Dtype stored) {
    Tensors tensors;
    for (const Parameter& parameter : parameters.all()) {
        const int64_t bytes = parameter.count * 4;
        const void* const values = tensors.host(parameter.value, bytes);
        TensorToWrite tensor{.name = parameter.name,
                             .dtype = core::TensorDtype::Float32,
                             .shape = parameter.shape,
                             .bytes = bytes_of(values, bytes)};
        if (stored == Dtype::BFloat16) {
            auto& copy = tensors.rounded.emplace_back(static_cast<size_t>(parameter.count));
            for (int64_t i = 0; i < parameter.count; ++i) {
                copy[static_cast<size_t>(i)] =
                    kernels::to_bfloat16(static_cast<const float*>(values)[i]);
            }
            tensor.dtype = core::TensorDtype::BFloat16;
            tensor.bytes = bytes_of(copy.data(), parameter.count * 2);
        }
        tensors.list.push_back(std::move(tensor));
    }
    return tensors;
}

Error cannot_write(const fs::path& path, const std::error_code& reason) {
    return {
        .code = ErrorCode::DiskFull,
        .message = fmt::format("'{}' could not be written: {}.", path.string(), reason.message()),
        .hint = "Check the free space and the permissions of the folder."};
}

Result<void> copy_base_files(const BaseModel& base, const fs::path& to, Dtype stored) {
    const fs::path& from = base.folder();
    TRY(text, core::read_file(from / "config.json"));
    auto config = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!config.is_object()) {
        return Error{
            .code = ErrorCode::BadModel,
            .message = fmt::format("'{}' is not a JSON object.", (from / "config.json").string())};
    }
    const char* const dtype = stored == Dtype::BFloat16 ? "bfloat16" : "float32";
    config[config.contains("dtype") ? "dtype" : "torch_dtype"] = dtype;
    // What was trained, which the base's own file may say otherwise.
    if (config.contains("tie_word_embeddings")) {
        config["tie_word_embeddings"] = base.config().tie_word_embeddings;
    }
    TRY_VOID(core::write_file(to / "config.json", config.dump(2) + "\n"));
    for (const char* const name :
         {"tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
          "added_tokens.json", "vocab.json", "merges.txt", "qwen.tiktoken", "chat_template.jinja",
          "generation_config.json"}) {
        std::error_code failed;
        if (!fs::exists(from / name, failed)) continue;
        fs::copy_file(from / name, to / name, fs::copy_options::overwrite_existing, failed);
        if (failed) return cannot_write(to / name, failed);
    }
    return {};
}

Result<void> read_state(const core::SafetensorsFile& file, const std::string& name,
                        const std::vector<int64_t>& shape, core::TensorDtype dtype, void* to,
                        int64_t bytes) {
    const core::TensorView* const view = file.find(name);
    if (view == nullptr || view->shape != shape || view->dtype != dtype ||
        static_cast<int64_t>(view->bytes.size()) != bytes) {
        return Error{.code = ErrorCode::BadModel,
                     .message = fmt::format("The checkpoint '{}' has no fitting '{}'.",
                                            file.path().string(), name),
                     .hint = "It belongs to a run with another adapter or optimizer."};
    }
    current_arena().copy_from_host(to, view->bytes.data(), bytes);
    return {};
}

}  // namespace

Result<void> save_adapter_folder(const fs::path& folder, const core::AdapterConfig& config,
                                 const ParameterSet& parameters, Dtype stored,
                                 const core::BaseFingerprint& trained_on) {
    return core::write_folder(folder, [&](const fs::path& fresh) -> Result<void> {
        TRY_VOID(core::write_adapter_config(config, fresh));
        return core::write_safetensors(
            fresh / "adapter_model.safetensors", parameter_tensors(parameters, stored).list,
            {{"format", "pt"}, {std::string(core::kTrainedOnKey), core::to_json(trained_on)}});
    });
}

Result<void> save_model_folder(const fs::path& folder, const BaseModel& base,
                               const ParameterSet& parameters, Dtype stored) {
    return core::write_folder(folder, [&](const fs::path& fresh) -> Result<void> {
        TRY_VOID(copy_base_files(base, fresh, stored));
        return core::write_safetensors(fresh / "model.safetensors",
                                       parameter_tensors(parameters, stored).list);
    });
}

Result<void> save_trainer_state(const fs::path& folder, const ParameterSet& parameters,
                                Optimizer& optimizer) {
    Tensors tensors;
    for (const Parameter& parameter : parameters.all()) {
        const int64_t bytes = parameter.count * 4;
        tensors.list.push_back({.name = "value." + parameter.name,
                                .dtype = core::TensorDtype::Float32,
                                .shape = parameter.shape,
                                .bytes = bytes_of(tensors.host(parameter.value, bytes), bytes)});
    }
    for (const Optimizer::State& state : optimizer.states()) {
        tensors.list.push_back(
            {.name = state.name,
             .dtype = state.dtype,
             .shape = state.shape,
             .bytes = bytes_of(tensors.host(state.data, state.bytes), state.bytes)});
    }
    TRY_VOID(core::ensure_folder(folder));
    return core::write_safetensors(
        folder / kStateFile, tensors.list,
        {{"format", "pt"}, {kStepKey, std::to_string(optimizer.step_count())}});
}

Result<void> load_trainer_state(const fs::path& folder, ParameterSet& parameters,
                                Optimizer& optimizer) {
    TRY(file, core::SafetensorsFile::open(folder / kStateFile));
    const auto found = file->metadata().find(kStepKey);
    int64_t steps = -1;
    if (found != file->metadata().end()) {
        const std::string& text = found->second;
        std::from_chars(text.data(), text.data() + text.size(), steps);
    }
    if (steps < 0) {
        return Error{.code = ErrorCode::FileDamaged,
                     .message = fmt::format("'{}' does not say how many steps were done.",
                                            (folder / kStateFile).string()),
                     .hint = "Continue from an older checkpoint."};
    }
    for (Parameter& parameter : parameters.all()) {
        TRY_VOID(read_state(*file, "value." + parameter.name, parameter.shape,
                            core::TensorDtype::Float32, parameter.value, parameter.count * 4));
    }
    for (const Optimizer::State& state : optimizer.states()) {
        TRY_VOID(read_state(*file, state.name, state.shape, state.dtype, state.data, state.bytes));
    }
    optimizer.set_step_count(steps);
    parameters.refresh_copies();
    return {};
}

namespace {

// PEFT's own name of the parameter. Its files drop the ending of a magnitude, and only there.
std::string gradient_name(const std::string& name) {
    return name.ends_with(".lora_magnitude_vector") ? name + ".weight" : name;
}

}  // namespace

Result<void> save_gradients(const fs::path& file, const ParameterSet& parameters) {
    Tensors tensors;
    for (const Parameter& parameter : parameters.all()) {
        const int64_t bytes = parameter.count * 4;
        tensors.list.push_back({.name = gradient_name(parameter.name),
                                .dtype = core::TensorDtype::Float32,
                                .shape = parameter.shape,
                                .bytes = bytes_of(tensors.host(parameter.gradient, bytes), bytes)});
    }
    return core::write_safetensors(file, tensors.list);
}

}  // namespace dayrun::engine
