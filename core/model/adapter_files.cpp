// Body of adapter_files.h.
#include "core/model/adapter_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <system_error>

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "base_model.model.";

Result<std::unique_ptr<SafetensorsFile>> open_tensors(const fs::path& folder) {
    const fs::path path = folder / "adapter_model.safetensors";
    std::error_code ignored;
    if (!fs::exists(path, ignored) && fs::exists(folder / "adapter_model.bin", ignored)) {
        return Error{.code = ErrorCode::Unsupported,
                     .message = fmt::format("The adapter '{}' holds adapter_model.bin only, a "
                                            "pickle file that could run code when opened.",
                                            folder.string()),
                     .hint = "Save it again with a newer PEFT, which writes safetensors."};
    }
    return SafetensorsFile::open(path);
}

/// The tensor under PEFT's name, or under the same without its prefix as some tools write it.
const TensorView* find(const SafetensorsFile& file, const std::string& name,
                       std::set<std::string_view>& used) {
    const TensorView* tensor = file.find(name);
    if (tensor == nullptr) tensor = file.find(std::string_view(name).substr(kPrefix.size()));
    if (tensor != nullptr) used.insert(tensor->name);
    return tensor;
}

bool is_float(TensorDtype dtype) {
    return dtype == TensorDtype::Float32 || dtype == TensorDtype::BFloat16 ||
           dtype == TensorDtype::Float16;
}

Result<void> check_tensor(const TensorView& tensor, const std::vector<int64_t>& shape,
                          const fs::path& folder) {
    if (tensor.shape != shape) {
        return Error{.code = ErrorCode::BadModel,
                     .message = fmt::format("Tensor '{}' of the adapter '{}' has the shape [{}], "
                                            "but this model and its rank ask for [{}].",
                                            tensor.name, folder.string(),
                                            fmt::join(tensor.shape, ", "), fmt::join(shape, ", ")),
                     .hint =
                         "The adapter belongs to another base model, or its config is not its "
                         "own."};
    }
    if (!is_float(tensor.dtype)) {
        return Error{.code = ErrorCode::BadModel,
                     .message = fmt::format("Tensor '{}' of the adapter '{}' is stored as {}.",
                                            tensor.name, folder.string(), to_string(tensor.dtype)),
                     .hint = "Dayrun reads adapters in F32, BF16 or F16."};
    }
    return {};
}

/// Whether the tensor is one of the embedding or the output head, which PEFT can train as well.
bool is_around_layers(std::string_view name, const WeightMap& map) {
    const std::string_view embedding = map.embed_tokens;
    const std::string_view module = embedding.substr(0, embedding.rfind('.') + 1);
    return name.find(module) != std::string_view::npos ||
           name.find("lm_head.") != std::string_view::npos;
}

Error unsupported_tensor(std::string_view name, const fs::path& folder) {
    return {.code = ErrorCode::Unsupported,
            .message = fmt::format("The adapter '{}' also trains the embedding or the output head "
                                   "('{}'), which Dayrun does not have.",
                                   folder.string(), name),
            .hint = "Merge it into its base with PEFT, or train one without it."};
}

}  // namespace

Result<AdapterFiles> AdapterFiles::open(const fs::path& folder, const WeightMap& map) {
    AdapterFiles adapter;
    TRY(config, read_adapter_config(folder));
    TRY(file, open_tensors(folder));
    const auto base = file->metadata().find(std::string(kTrainedOnKey));
    if (base != file->metadata().end()) {
        TRY(trained_on, parse_fingerprint(base->second, file->path().string()));
        adapter.m_trained_on = std::move(trained_on);
    }
    const auto bad = [&](std::string message) {
        return Error{.code = ErrorCode::BadModel,
                     .message = std::move(message),
                     .hint = "The adapter belongs to another base model, or a file is damaged."};
    };
    std::set<std::string_view> used;
    for (const LinearInfo* const linear : map.linears()) {
        AdapterModule module{.linear = linear,
                             .a = find(*file, lora_a_name(linear->module), used),
                             .b = find(*file, lora_b_name(linear->module), used),
                             .magnitude = find(*file, dora_magnitude_name(linear->module), used)};
        if (module.a == nullptr && module.b == nullptr && module.magnitude == nullptr) continue;
        if (module.a == nullptr || module.b == nullptr ||
            (module.magnitude != nullptr) != config.use_dora) {
            return bad(
                fmt::format("The adapter '{}' does not hold all tensors of '{}' that its "
                            "config asks for.",
                            folder.string(), linear->module));
        }
        module.rank = config.rank_of(linear->module);
        module.scaling = config.scaling_of(linear->module);
        TRY_VOID(check_tensor(*module.a, {module.rank, linear->in_features}, folder));
        TRY_VOID(check_tensor(*module.b, {linear->out_features, module.rank}, folder));
        if (module.magnitude != nullptr) {
            TRY_VOID(check_tensor(*module.magnitude, {linear->out_features}, folder));
        }
        adapter.m_modules.push_back(module);
    }
    for (const TensorView& tensor : file->tensors()) {
        if (!used.contains(tensor.name)) {
            if (is_around_layers(tensor.name, map)) return unsupported_tensor(tensor.name, folder);
            return bad(fmt::format("Tensor '{}' of the adapter '{}' fits no module of this model.",
                                   tensor.name, folder.string()));
        }
    }
    if (adapter.m_modules.empty()) {
        return bad(fmt::format("The adapter '{}' holds no tensors.", folder.string()));
    }
    adapter.m_config = std::move(config);
    adapter.m_file = std::move(file);
    return adapter;
}

std::string other_base_sentence(const fs::path& adapter, const BaseFingerprint& was,
                                const fs::path& base, const BaseFingerprint& is) {
    const std::string differs = difference(was, is);
    if (differs.empty()) return {};
    return fmt::format("The adapter '{}' was trained on another base than '{}': {}.",
                       adapter.string(), base.string(), differs);
}

}  // namespace dayrun::core
