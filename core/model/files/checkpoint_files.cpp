// A model folder's tensors: one file, or the shards that its index names. See safetensors.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "core/model/config/strict_json.h"
#include "core/model/safetensors.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

Error no_weights(const fs::path& folder) {
    if (!is_there(folder)) {
        return {.code = ErrorCode::FileMissing,
                .message = fmt::format("There is no folder '{}'.", folder.string()),
                .hint = "Check the path of the base model."};
    }
    if (is_there(folder / "pytorch_model.bin") ||
        is_there(folder / "pytorch_model.bin.index.json")) {
        return {.code = ErrorCode::Unsupported,
                .message = fmt::format("'{}' holds its weights as pytorch_model.bin only, a pickle "
                                       "file that could run code when opened.",
                                       folder.string()),
                .hint = "Get the safetensors version of the model, or convert it."};
    }
    return {
        .code = ErrorCode::FileMissing,
        .message = fmt::format("'{}' holds neither {} nor {}.", folder.string(), kSingle, kIndex),
        .hint = "Choose a model folder in the Hugging Face layout, and finish its download."};
}

/// tensor -> shard file name, as the index says.
using ShardMap = std::map<std::string, std::string>;

Result<ShardMap> read_index(const fs::path& path) {
    const auto bad = [&](std::string reason) {
        return Error{.code = ErrorCode::FileDamaged,
                     .message = fmt::format("The index '{}' {}.", path.string(), reason),
                     .hint = "Download the model's index file again."};
    };
    TRY(json, read_json_object(path, "an index of weight files"));
    if (!json.contains("weight_map") || !json["weight_map"].is_object() ||
        json["weight_map"].empty()) {
        return bad("has no weight_map");
    }
    ShardMap map;
    for (const auto& [tensor, file] : json["weight_map"].items()) {
        const bool is_plain_name =
            file.is_string() && !file.get<std::string>().empty() &&
            fs::path(file.get<std::string>()).filename() == fs::path(file.get<std::string>());
        if (!is_plain_name) return bad(fmt::format("gives no file name for '{}'", tensor));
        map[tensor] = file.get<std::string>();
    }
    return map;
}

Error missing_shards(const fs::path& folder, const std::vector<std::string>& missing,
                     size_t total) {
    std::vector<std::string> shown(missing.begin(),
                                   missing.begin() + std::min<ptrdiff_t>(3, std::ssize(missing)));
    if (shown.size() < missing.size()) shown.push_back("…");
    return {.code = ErrorCode::FileMissing,
            .message = fmt::format("'{}' lacks {} of the {} weight files its index names: {}.",
                                   folder.string(), missing.size(), total, fmt::join(shown, ", ")),
            .hint = "Finish the model's download."};
}

std::string shape_text(const std::vector<int64_t>& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace

Result<CheckpointFiles> CheckpointFiles::open(const fs::path& folder) {
    CheckpointFiles checkpoint;
    checkpoint.m_folder = folder;
    ShardMap index;
    std::vector<fs::path> paths;
    if (is_there(folder / kSingle)) {
        paths.push_back(folder / kSingle);
    } else if (is_there(folder / kIndex)) {
        TRY(read, read_index(folder / kIndex));
        index = std::move(read);
        std::set<std::string> shards;
        for (const auto& [tensor, file] : index) shards.insert(file);
        std::vector<std::string> missing;
        for (const std::string& shard : shards) {
            if (!is_there(folder / shard)) missing.push_back(shard);
            paths.push_back(folder / shard);
        }
        if (!missing.empty()) return missing_shards(folder, missing, shards.size());
    } else {
        return no_weights(folder);
    }

    for (const fs::path& path : paths) {
        TRY(file, SafetensorsFile::open(path));
        for (const TensorView& tensor : file->tensors()) {
            const auto [at, is_new] = checkpoint.m_by_name.emplace(tensor.name, &tensor);
            if (!is_new) {
                return Error{
                    .code = ErrorCode::BadModel,
                    .message = fmt::format("Tensor '{}' is stored twice in '{}', the "
                                           "second time in {}.",
                                           tensor.name, folder.string(), path.filename().string()),
                    .hint = "The files belong to different downloads: fetch them again."};
            }
        }
        checkpoint.m_files.push_back(std::move(file));
    }
    for (const auto& [tensor, file] : index) {
        const TensorView* const found = checkpoint.find(tensor);
        const SafetensorsFile* holder = nullptr;
        for (const auto& candidate : checkpoint.m_files) {
            if (found != nullptr && candidate->find(tensor) == found) holder = candidate.get();
        }
        if (holder == nullptr || holder->path().filename() != file) {
            return Error{.code = ErrorCode::BadModel,
                         .message = fmt::format("The index of '{}' says that '{}' is in {}, but it "
                                                "is not.",
                                                folder.string(), tensor, file),
                         .hint = "The shards do not belong to this index: fetch them again."};
        }
    }
    for (const auto& file : checkpoint.m_files) {
        for (const TensorView& tensor : file->tensors()) {
            if (index.empty() || index.contains(tensor.name)) continue;
            return Error{.code = ErrorCode::BadModel,
                         .message = fmt::format("The index of '{}' does not name '{}', which {} "
                                                "holds.",
                                                folder.string(), tensor.name,
                                                file->path().filename().string()),
                         .hint = "The shards do not belong to this index: fetch them again."};
        }
    }
    return checkpoint;
}

const TensorView* CheckpointFiles::find(std::string_view name) const {
    const auto found = m_by_name.find(name);
    return found == m_by_name.end() ? nullptr : found->second;
}

Result<TensorView> CheckpointFiles::require(std::string_view name,
                                            const std::vector<int64_t>& shape) const {
    const TensorView* const tensor = find(name);
    if (tensor == nullptr) {
        return Error{
            .code = ErrorCode::BadModel,
            .message = fmt::format("The weights in '{}' have no tensor '{}', which its "
                                   "config.json asks for.",
                                   m_folder.string(), name),
            .hint = "Config and weights belong to different models, or a file is missing."};
    }
    if (tensor->shape != shape) {
        return Error{.code = ErrorCode::BadModel,
                     .message = fmt::format("Tensor '{}' in '{}' has the shape {}, but config.json "
                                            "asks for {}.",
                                            name, m_folder.string(), shape_text(tensor->shape),
                                            shape_text(shape)),
                     .hint = "Config and weights belong to different models: fetch both again."};
    }
    return *tensor;
}

void CheckpointFiles::drop_pages(const TensorView& tensor) const {
    for (const auto& file : m_files) {
        if (file->find(tensor.name) != nullptr) file->drop_pages(tensor.bytes);
    }
}

int64_t CheckpointFiles::total_bytes() const {
    int64_t total = 0;
    for (const auto& [name, tensor] : m_by_name) {
        total += static_cast<int64_t>(tensor->bytes.size());
    }
    return total;
}

}  // namespace dayrun::core
