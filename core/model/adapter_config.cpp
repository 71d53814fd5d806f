// adapter_config.json both ways. Neighbours: adapter_files.cpp (the tensors), target_modules.cpp.
#include "core/model/adapter_config.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/model/config/config_fields.h"
#include "core/model/config/pattern.h"
#include "core/model/config/strict_json.h"

namespace dayrun::core {
namespace {

constexpr std::string_view kFileName = "adapter_config.json";
constexpr std::string_view kWhat = "a PEFT adapter_config.json";
constexpr IntRange kRanks{1, 1 << 16};

/// Features that change what an adapter computes and that Dayrun does not have. Null, false, empty
/// and the neutral value mean that the feature is off.
struct RefusedKey {
    std::string_view key;
    std::string_view neutral = "";
};
constexpr std::array kRefusedKeys = {
    RefusedKey{"bias", "none"},
    RefusedKey{"lora_bias"},
    RefusedKey{"fan_in_fan_out"},
    RefusedKey{"modules_to_save"},
    RefusedKey{"layer_replication"},
    RefusedKey{"target_parameters"},
    RefusedKey{"trainable_token_indices"},
    RefusedKey{"megatron_config"},
    RefusedKey{"use_qalora"},
    RefusedKey{"use_bdlora"},
    RefusedKey{"alora_invocation_tokens"},
    RefusedKey{"kasa_config"},
    RefusedKey{"monteclora_config"},
    RefusedKey{"velora_config"},
    RefusedKey{"arrow_config"},
};

constexpr std::array<std::string_view, 3> kNarrowingKeys = {"exclude_modules", "layers_pattern",
                                                            "layers_to_transform"};

/// Initialisations that leave the base as it is; the others make an adapter for a changed base.
constexpr std::array<std::string_view, 3> kPlainInits = {"gaussian", "eva", "orthogonal"};

bool is_off(const nlohmann::json& value, std::string_view neutral) {
    return value.is_null() || value == false || value.empty() ||
           (value.is_string() && value.get_ref<const std::string&>() == neutral);
}

void refuse_features(ConfigFields& fields) {
    for (const RefusedKey& refused : kRefusedKeys) {
        const nlohmann::json& value = fields.raw(refused.key);
        if (is_off(value, refused.neutral)) continue;
        fields.fail(fmt::format("The adapter '{}' uses '{}', which Dayrun does not have.",
                                fields.file(), refused.key),
                    "Merge it into its base with PEFT, or train one without it.");
    }
    if (const std::string type = fields.text("peft_type", "LORA"); type != "LORA") {
        fields.fail(fmt::format("'{}' is a '{}' adapter (peft_type); Dayrun has LORA only.",
                                fields.file(), type),
                    "Merge it into its base with PEFT.");
    }
    if (const std::string task = fields.text("task_type", "CAUSAL_LM"); task != "CAUSAL_LM") {
        fields.fail(
            fmt::format("'{}' is an adapter for '{}' (task_type); Dayrun has language "
                        "models only.",
                        fields.file(), task));
    }
    const nlohmann::json& init = fields.raw("init_lora_weights");
    if (init.is_string()) {
        const auto& name = init.get_ref<const std::string&>();
        for (const std::string_view plain : kPlainInits) {
            if (name == plain) return;
        }
        fields.fail(fmt::format("The adapter '{}' was made with init_lora_weights '{}', so it fits "
                                "a changed base only.",
                                fields.file(), name),
                    "Convert it to a plain LoRA with PEFT first.");
    }
}

void read_targets(ConfigFields& fields, AdapterConfig& config) {
    const nlohmann::json& targets = fields.raw("target_modules");
    if (targets.is_null()) {
        config.target_modules = std::vector<std::string>{"q_proj", "v_proj"};
        return;
    }
    if (targets.is_string()) {
        config.target_modules = targets.get<std::string>();
        return;
    }
    std::vector<std::string> names;
    if (targets.is_array()) {
        for (const auto& name : targets) {
            if (name.is_string()) names.push_back(name.get<std::string>());
        }
    }
    if (names.empty() || names.size() != targets.size()) {
        fields.fail(fmt::format("'{}' lists no usable target_modules.", fields.file()),
                    "It must be a list of names or one text.");
    }
    config.target_modules = std::move(names);
}

/// A pattern matches a module's whole name, or what follows a point in it.
std::string suffix_pattern(std::string_view key) {
    return fmt::format("(.*\\.)?({})", key);
}

template <typename Value>
void read_patterns(const nlohmann::ordered_json& json, std::string_view key, ConfigFields& fields,
                   std::vector<std::pair<std::string, Value>>& patterns) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) return;
    const auto bad = [&](std::string_view pattern) {
        fields.fail(fmt::format("'{}' gives no usable number for '{}' in {}.", fields.file(),
                                pattern, key));
    };
    if (!found->is_object()) return bad("");
    for (const auto& [pattern, value] : found->items()) {
        const double number = value.is_number() ? value.template get<double>() : -1;
        const bool is_whole = value.is_number_integer();
        const bool is_rank = is_whole && number >= 1 && number <= static_cast<double>(kRanks.high);
        const bool is_good = std::is_integral_v<Value> ? is_rank : std::isfinite(number);
        if (!is_good || !value.is_number()) return bad(pattern);
        if (const auto compiled = Pattern::compile(suffix_pattern(pattern)); !compiled) {
            fields.fail(fmt::format("'{}' has a wrong pattern in {}: {}", fields.file(), key,
                                    compiled.error().message));
            return;
        }
        patterns.emplace_back(pattern, static_cast<Value>(number));
    }
}

/// The value of the first pattern that matches, which PEFT writes in the order it looks them up.
template <typename Value>
Value pattern_value(const std::vector<std::pair<std::string, Value>>& patterns,
                    std::string_view module, Value fallback) {
    for (const auto& [pattern, value] : patterns) {
        const auto compiled = Pattern::compile(suffix_pattern(pattern));
        if (compiled && compiled->full_match(module)) return value;
    }
    return fallback;
}

/// 16.0 as 16, since PEFT's own files hold whole numbers there.
nlohmann::ordered_json number(double value) {
    constexpr double kExact = 9007199254740992.0;
    if (std::floor(value) == value && std::abs(value) < kExact) return static_cast<int64_t>(value);
    return value;
}

template <typename Value>
nlohmann::ordered_json pattern_object(const std::vector<std::pair<std::string, Value>>& patterns) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const auto& [pattern, value] : patterns) {
        object[pattern] = number(static_cast<double>(value));
    }
    return object;
}

nlohmann::ordered_json narrowing_of(const AdapterConfig& config, const std::string& key) {
    const auto kept = config.narrowing.find(key);
    if (kept == config.narrowing.end()) return nullptr;
    return nlohmann::ordered_json::parse(kept->second);
}

}  // namespace

int64_t AdapterConfig::rank_of(std::string_view module) const {
    return pattern_value(rank_pattern, module, rank);
}

double AdapterConfig::alpha_of(std::string_view module) const {
    return pattern_value(alpha_pattern, module, alpha);
}

double AdapterConfig::scaling_of(std::string_view module) const {
    const auto r = static_cast<double>(rank_of(module));
    return alpha_of(module) / (use_rslora ? std::sqrt(r) : r);
}

Result<AdapterConfig> parse_adapter_config(std::string_view text,
                                           const std::filesystem::path& file) {
    TRY(ordered, parse_ordered_json_object(text, file, kWhat));
    const nlohmann::json json = ordered;
    ConfigFields fields(json, file.string());
    AdapterConfig config;
    refuse_features(fields);
    config.rank = fields.optional_int("r", kRanks).value_or(8);
    const nlohmann::json& alpha = fields.raw("lora_alpha");
    config.alpha = alpha.is_number() ? alpha.get<double>() : 8;
    if (!std::isfinite(config.alpha) || !(alpha.is_null() || alpha.is_number())) {
        fields.fail(fmt::format("'{}' gives no number for 'lora_alpha'.", fields.file()));
    }
    const nlohmann::json& dropout = fields.raw("lora_dropout");
    config.dropout = dropout.is_number() ? dropout.get<double>() : 0;
    if (!(config.dropout >= 0 && config.dropout < 1) ||
        !(dropout.is_null() || dropout.is_number())) {
        fields.fail(
            fmt::format("'{}' gives a 'lora_dropout' outside of 0 to below 1.", fields.file()));
    }
    config.use_rslora = fields.boolean("use_rslora", false);
    config.use_dora = fields.boolean("use_dora", false);
    config.base_model_name_or_path = fields.text("base_model_name_or_path", "");
    for (const std::string_view key : kNarrowingKeys) {
        if (fields.has(key)) config.narrowing[std::string(key)] = fields.raw(key).dump();
    }
    read_targets(fields, config);
    read_patterns(ordered, "rank_pattern", fields, config.rank_pattern);
    read_patterns(ordered, "alpha_pattern", fields, config.alpha_pattern);
    if (fields.failed()) return fields.error();
    return config;
}

Result<AdapterConfig> read_adapter_config(const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / kFileName;
    TRY(text, read_json_text(file, kWhat));
    return parse_adapter_config(text, file);
}

Result<void> write_adapter_config(const AdapterConfig& config,
                                  const std::filesystem::path& folder) {
    nlohmann::ordered_json json;
    json["alpha_pattern"] = pattern_object(config.alpha_pattern);
    json["auto_mapping"] = nullptr;
    if (config.base_model_name_or_path.empty()) {
        json["base_model_name_or_path"] = nullptr;
    } else {
        json["base_model_name_or_path"] = config.base_model_name_or_path;
    }
    json["bias"] = "none";
    json["exclude_modules"] = narrowing_of(config, "exclude_modules");
    json["fan_in_fan_out"] = false;
    json["inference_mode"] = true;
    json["init_lora_weights"] = true;
    json["layer_replication"] = nullptr;
    json["layers_pattern"] = narrowing_of(config, "layers_pattern");
    json["layers_to_transform"] = narrowing_of(config, "layers_to_transform");
    json["loftq_config"] = nlohmann::ordered_json::object();
    json["lora_alpha"] = number(config.alpha);
    json["lora_bias"] = false;
    json["lora_dropout"] = config.dropout;
    json["megatron_config"] = nullptr;
    json["megatron_core"] = "megatron.core";
    json["modules_to_save"] = nullptr;
    json["peft_type"] = "LORA";
    json["r"] = config.rank;
    json["rank_pattern"] = pattern_object(config.rank_pattern);
    json["revision"] = nullptr;
    std::visit([&](const auto& targets) { json["target_modules"] = targets; },
               config.target_modules);
    json["task_type"] = "CAUSAL_LM";
    json["use_dora"] = config.use_dora;
    json["use_rslora"] = config.use_rslora;
    // A name that is not UTF-8 (a path can be) is replaced rather than thrown about.
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    return write_file(folder / kFileName, json.dump(2, ' ', false, replace) + "\n");
}

std::string lora_a_name(std::string_view module) {
    return fmt::format("base_model.model.{}.lora_A.weight", module);
}

std::string lora_b_name(std::string_view module) {
    return fmt::format("base_model.model.{}.lora_B.weight", module);
}

std::string dora_magnitude_name(std::string_view module) {
    return fmt::format("base_model.model.{}.lora_magnitude_vector", module);
}

}  // namespace dayrun::core
