// Small model files made by the tests themselves: raw safetensors with any header, configs, and a
// whole tiny Llama folder. Neighbours: every test of core/model and core/export.
#pragma once

#include <QTemporaryDir>
#include <QTest>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/model/adapter_config.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"

namespace dayrun::tests {

inline void write_text(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

/// The bytes of a safetensors file with exactly this header text and these data bytes.
inline std::string raw_safetensors(const std::string& header, const std::string& data) {
    const uint64_t length = header.size();
    std::string file(sizeof(length), '\0');
    std::memcpy(file.data(), &length, sizeof(length));
    return file + header + data;
}

/// A temporary folder that is a std::filesystem::path.
class Folder {
  public:
    std::filesystem::path path() const { return m_folder.path().toStdString(); }
    std::filesystem::path operator/(const std::string& name) const { return path() / name; }

  private:
    QTemporaryDir m_folder;
};

/// Numbers that differ from element to element and are exact in bfloat16.
inline std::vector<float> pattern_values(int64_t count, int seed) {
    std::vector<float> values(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
        values[static_cast<size_t>(i)] = static_cast<float>((i * 7 + seed * 13) % 31 - 15) / 16.0f;
    }
    return values;
}

/// Float tensors that stay alive while they are written.
class TensorSet {
  public:
    void add(const std::string& name, const std::vector<int64_t>& shape,
             std::vector<float> values) {
        m_values[name] = {shape, std::move(values)};
    }
    core::Result<void> write(const std::filesystem::path& path) const {
        std::vector<core::TensorToWrite> tensors;
        for (const auto& [name, entry] : m_values) {
            tensors.push_back({name, core::TensorDtype::Float32, entry.first,
                               std::as_bytes(std::span(entry.second))});
        }
        return core::write_safetensors(path, tensors);
    }

  private:
    std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>> m_values;
};

inline const char* const kTinyConfig = R"({"architectures": ["LlamaForCausalLM"],
 "model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2,
 "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 16, "torch_dtype": "float32"})";

/// The same model by a config that ties its head to the embedding.
inline std::string tied_config() {
    std::string config = kTinyConfig;
    return config.replace(config.rfind('}'), 1, ", \"tie_word_embeddings\": true}");
}

/// A whole tiny Llama model: config.json and model.safetensors.
inline void write_tiny_model(const std::filesystem::path& folder) {
    write_text(folder / "config.json", kTinyConfig);
    const auto config = core::parse_model_config(kTinyConfig, "config.json");
    TensorSet tensors;
    int seed = 0;
    for (const auto& weight : core::weights_of(*config, core::make_weight_map(*config))) {
        int64_t count = 1;
        for (const int64_t size : weight.shape) count *= size;
        tensors.add(weight.name, weight.shape, pattern_values(count, ++seed));
    }
    QVERIFY(tensors.write(folder / "model.safetensors").ok());
}

}  // namespace dayrun::tests
