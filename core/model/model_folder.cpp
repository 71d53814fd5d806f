// Body of inspect_model_folder. Neighbour: local_models.cpp lists folders.
#include "core/model/model_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>

#include "core/base/units.h"
#include "core/model/weight_map.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

std::string sentence(const Error& error) {
    return error.hint.empty() ? error.message : error.message + " " + error.hint;
}

/// The dtype that holds most bytes of the checkpoint.
std::string main_dtype(const CheckpointFiles& checkpoint) {
    std::map<TensorDtype, size_t> bytes;
    for (const auto& file : checkpoint.files()) {
        for (const TensorView& tensor : file->tensors()) bytes[tensor.dtype] += tensor.bytes.size();
    }
    if (bytes.empty()) return "";
    const auto most =
        std::max_element(bytes.begin(), bytes.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return std::string(to_string(most->first));
}

/// The first weight that is missing or has another shape; one is enough to say what is wrong.
void check_weights(const CheckpointFiles& checkpoint, ModelFolderInfo& info) {
    const ModelConfig& config = *info.config;
    // 4-bit checkpoints hold packed weights under further names; their reader checks them.
    if (!config.quantization.empty()) return;
    if (const auto layers = check_layer_count(checkpoint, config); !layers.ok()) {
        info.problems.push_back(sentence(layers.error()));
        return;
    }
    for (const WeightInfo& weight : weights_of(config, make_weight_map(config))) {
        const auto found = checkpoint.require(weight.name, weight.shape);
        if (!found) {
            info.problems.push_back(sentence(found.error()));
            return;
        }
    }
}

}  // namespace

Result<void> check_layer_count(const CheckpointFiles& files, const ModelConfig& config) {
    ModelConfig longer = config;
    ++longer.num_hidden_layers;
    const std::string beyond = make_weight_map(longer).layers.back().input_norm;
    if (files.find(beyond) == nullptr) return {};
    return Error{.code = ErrorCode::BadModel,
                 .message = fmt::format("The weights hold '{}', but config.json asks for {} only.",
                                        beyond, count_of(config.num_hidden_layers, "layer")),
                 .hint = "Config and weights belong to different models: fetch both again."};
}

fs::path find_tokenizer_file(const fs::path& folder) {
    std::error_code ignored;
    for (const char* const name : {"tokenizer.model", "tokenizer.json"}) {
        if (fs::exists(folder / name, ignored)) return folder / name;
    }
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (entry.path().extension() == ".tiktoken") return entry.path();
    }
    return {};
}

ModelFolderInfo inspect_model_folder(const fs::path& folder) {
    ModelFolderInfo info;
    info.folder = folder;
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) {
        info.problems.push_back(fmt::format("There is no folder '{}'.", folder.string()));
        return info;
    }
    auto config = read_model_config(folder);
    if (config) {
        info.config = *std::move(config);
        info.parameter_count = parameter_count(*info.config);
    } else {
        info.problems.push_back(sentence(config.error()));
    }
    const auto checkpoint = CheckpointFiles::open(folder);
    if (checkpoint) {
        for (const auto& file : checkpoint->files()) {
            const auto bytes = fs::file_size(file->path(), ignored);
            if (!ignored) info.weight_bytes += static_cast<int64_t>(bytes);
        }
        info.dtype = main_dtype(*checkpoint);
        if (info.config) check_weights(*checkpoint, info);
    } else {
        info.problems.push_back(sentence(checkpoint.error()));
    }
    info.tokenizer_file = find_tokenizer_file(folder);
    if (info.tokenizer_file.empty()) {
        info.problems.push_back(
            fmt::format("'{}' has no tokenizer (tokenizer.model, tokenizer.json or a .tiktoken "
                        "file). Only token_ids data can be used with it.",
                        folder.string()));
    }
    return info;
}

}  // namespace dayrun::core
