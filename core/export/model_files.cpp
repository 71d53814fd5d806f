// Body of model_files.h.
#include "core/export/model_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "core/base/atomic_file.h"
#include "core/model/config/strict_json.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 10> kTokenizerFiles = {"tokenizer.model",
                                                              "tokenizer.json",
                                                              "tokenizer_config.json",
                                                              "special_tokens_map.json",
                                                              "added_tokens.json",
                                                              "vocab.json",
                                                              "merges.txt",
                                                              "chat_template.jinja",
                                                              "chat_template.json",
                                                              "spiece.model"};

/// Reads and writes rather than links: the hub's cache is made of links to blobs.
Result<void> copy_one(const fs::path& from, const fs::path& to) {
    std::error_code ignored;
    if (fs::equivalent(from, to, ignored)) return {};
    TRY(content, read_file(from));
    return write_file(to, content);
}

bool is_tokenizer_file(const fs::path& path) {
    return path.extension() == ".tiktoken" ||
           std::find(kTokenizerFiles.begin(), kTokenizerFiles.end(), path.filename()) !=
               kTokenizerFiles.end();
}

bool is_model_side_file(const fs::path& path) {
    return path.extension() == ".py" || path.filename() == "generation_config.json";
}

template <typename Wanted, typename Use>
Result<void> over_files(const fs::path& from, Wanted wanted, Use use) {
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(from, code)) {
        std::error_code ignored;
        if (!entry.is_regular_file(ignored) || !wanted(entry.path())) continue;
        TRY_VOID(use(entry.path()));
    }
    if (code) {
        return Error{.code = ErrorCode::FileMissing,
                     .message = fmt::format("The folder '{}' cannot be read: {}.", from.string(),
                                            code.message()),
                     .hint = "Check the path and its permissions."};
    }
    return {};
}

}  // namespace

Result<void> copy_tokenizer_files(const fs::path& from, const fs::path& to) {
    return over_files(from, is_tokenizer_file,
                      [&](const fs::path& file) { return copy_one(file, to / file.filename()); });
}

Result<void> copy_model_side_files(const fs::path& from, const fs::path& to) {
    return over_files(from, is_model_side_file,
                      [&](const fs::path& file) { return copy_one(file, to / file.filename()); });
}

Result<std::vector<fs::path>> exported_model_files(const fs::path& from) {
    std::vector<fs::path> names{"model.safetensors", "config.json"};
    const auto wanted = [](const fs::path& path) {
        return is_tokenizer_file(path) || is_model_side_file(path);
    };
    TRY_VOID(over_files(from, wanted, [&](const fs::path& file) -> Result<void> {
        names.push_back(file.filename());
        return {};
    }));
    return names;
}

namespace {

// The keys that transformers writes; products run in the type that the other weights have.
nlohmann::ordered_json bitsandbytes_config(const nlohmann::ordered_json& config, bool is_double) {
    std::string dtype = "float32";
    for (const char* const key : {"torch_dtype", "dtype"}) {
        if (config.contains(key) && config[key].is_string()) dtype = config[key];
    }
    return {{"quant_method", "bitsandbytes"},
            {"_load_in_4bit", true},
            {"_load_in_8bit", false},
            {"load_in_4bit", true},
            {"load_in_8bit", false},
            {"bnb_4bit_quant_type", "nf4"},
            {"bnb_4bit_use_double_quant", is_double},
            {"bnb_4bit_compute_dtype", dtype},
            {"bnb_4bit_quant_storage", "uint8"},
            {"llm_int8_threshold", 6.0},
            {"llm_int8_skip_modules", nullptr},
            {"llm_int8_enable_fp32_cpu_offload", false},
            {"llm_int8_has_fp16_weight", false}};
}

}  // namespace

Result<void> write_model_config(const ModelConfig& config, const fs::path& from, const fs::path& to,
                                const std::string& dtype, ConfigQuantization quantization) {
    const fs::path file = from / "config.json";
    TRY(text, read_json_text(file, "a model's config.json"));
    TRY(json, parse_ordered_json_object(text, file, "a model's config.json"));
    if (!dtype.empty()) {
        // transformers 4 writes torch_dtype, 5 writes dtype; both read the older word.
        bool is_named = false;
        for (const char* const key : {"dtype", "torch_dtype"}) {
            if (!json.contains(key)) continue;
            json[key] = dtype;
            is_named = true;
        }
        if (!is_named) json["torch_dtype"] = dtype;
        // Qwen 1 has a flag for each type, which its own code reads before the dtype.
        if (json.contains("bf16")) json["bf16"] = dtype == "bfloat16";
        if (json.contains("fp16")) json["fp16"] = dtype == "float16";
        if (json.contains("fp32")) json["fp32"] = dtype == "float32";
    }
    if (json.contains("tie_word_embeddings")) {
        json["tie_word_embeddings"] = config.tie_word_embeddings;
    }
    json.erase("quantization_config");
    if (quantization != ConfigQuantization::None) {
        json["quantization_config"] =
            bitsandbytes_config(json, quantization == ConfigQuantization::Nf4Double);
    }
    return write_file(to / "config.json", json.dump(2) + "\n");
}

}  // namespace dayrun::core
