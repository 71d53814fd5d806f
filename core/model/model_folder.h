// What a model folder holds and what it lacks, in words, without opening its weights for use; and
// the models on this computer. For the Model stage, `dayrun doctor` and the plan. Any thread;
// listing walks folders, so not the ui thread. Neighbours: model_config.h, safetensors.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/model_config.h"
#include "core/model/safetensors.h"

namespace dayrun::core {

struct ModelFolderInfo {
    std::filesystem::path folder;
    std::optional<ModelConfig> config;     // empty when config.json cannot be used
    int64_t parameter_count = 0;           // 0 without a config
    int64_t weight_bytes = 0;              // of the weight files on the disk
    std::string dtype;                     // what most of the weights are stored in ("BF16"), or ""
    std::filesystem::path tokenizer_file;  // empty when there is none
    std::vector<std::string> problems;     // one sentence each; empty = ready for a run

    bool is_ready() const { return problems.empty(); }
};

/// Looks into a folder; never fails, what is wrong is in `problems`.
ModelFolderInfo inspect_model_folder(const std::filesystem::path& folder);

/// BadModel when the weights hold a layer after the last one that the config asks for.
Result<void> check_layer_count(const CheckpointFiles& files, const ModelConfig& config);

/// A model found on this computer.
struct LocalModel {
    std::string name;  // "mistralai/Mistral-7B-v0.1", or the folder's name
    std::filesystem::path folder;
};

/// The folder of the local Hugging Face cache: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub,
/// XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub. It need not exist.
std::filesystem::path hub_cache_folder();

/// Models of the local Hugging Face cache and of the given folders (each a model itself, or a
/// folder of models), by name. Downloads that have no config.json are left out.
std::vector<LocalModel> list_local_models(
    const std::vector<std::filesystem::path>& extra_folders = {});

/// The tokenizer file of a folder that Dayrun reads, or an empty path: tokenizer.model,
/// tokenizer.json, *.tiktoken.
std::filesystem::path find_tokenizer_file(const std::filesystem::path& folder);

}  // namespace dayrun::core
