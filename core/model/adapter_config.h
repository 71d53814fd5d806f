// adapter_config.json in PEFT's format, and the tensor names of an adapter. Torch-free.
// Source: PEFT's published layout (facts of version 0.17 to 0.21). Plain values: any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

struct AdapterConfig {
    int64_t rank = 8;
    double alpha = 8;
    double dropout = 0;
    bool use_rslora = false;
    bool use_dora = false;
    // A list, or one string: `all-linear` or a regular expression. PEFT's null reads as its default
    // for the supported families, q_proj and v_proj.
    std::variant<std::vector<std::string>, std::string> target_modules;
    // Per-module rank and alpha: pattern -> value, in file order; the first match wins.
    std::vector<std::pair<std::string, int64_t>> rank_pattern;
    std::vector<std::pair<std::string, double>> alpha_pattern;
    // PEFT's keys that narrow target_modules down, each with its JSON as read. Which modules are
    // left shows in the adapter's tensors; the keys are written again for other readers.
    std::map<std::string, std::string> narrowing = {};
    std::string base_model_name_or_path;

    int64_t rank_of(std::string_view module) const;
    double alpha_of(std::string_view module) const;
    /// alpha / r, or alpha / sqrt(r) with use_rslora, after the patterns.
    double scaling_of(std::string_view module) const;
};

/// Reads FOLDER/adapter_config.json; refuses, with the key's name, features Dayrun does not have.
/// Keys it does not know are passed over, as newer versions of PEFT add some.
Result<AdapterConfig> read_adapter_config(const std::filesystem::path& folder);
/// The same from the file's text; `file` only names it in errors.
Result<AdapterConfig> parse_adapter_config(std::string_view text,
                                           const std::filesystem::path& file);
/// Writes FOLDER/adapter_config.json with the keys that PEFT writes; the folder must be there.
Result<void> write_adapter_config(const AdapterConfig& config, const std::filesystem::path& folder);

/// "base_model.model.<module>.lora_A.weight" and so on.
std::string lora_a_name(std::string_view module);
std::string lora_b_name(std::string_view module);
std::string dora_magnitude_name(std::string_view module);

}  // namespace dayrun::core
