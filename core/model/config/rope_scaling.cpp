// Body of rope_scaling.h.
#include "core/model/config/rope_scaling.h"

#include <fmt/format.h>

#include <cmath>

namespace dayrun::core {
namespace {

using Kind = RopeScaling::Kind;

constexpr double kDefaultTheta = 10000;
constexpr IntRange kPositions{1, int64_t{1} << 31};

double required(ConfigFields& rope, ConfigFields& fields, std::string_view kind,
                std::string_view name) {
    const auto value = rope.optional_positive(name);
    if (!value && !rope.failed()) {
        fields.fail(
            fmt::format("The rope scaling '{}' in '{}' has no '{}'.", kind, fields.file(), name),
            "Get the model's config.json again.");
    }
    return value.value_or(1);
}

/// The length before scaling. A word at the top level has the last say, as in transformers 5, which
/// moves it into the scaling of yarn and llama3; linear and dynamic have no use for it.
std::optional<int64_t> original_length(ConfigFields& rope, ConfigFields& fields) {
    constexpr std::string_view kName = "original_max_position_embeddings";
    const auto outer = fields.optional_int(kName, kPositions);
    return outer ? outer : rope.optional_int(kName, kPositions);
}

void read_kind(ConfigFields& rope, ConfigFields& fields, const std::string& kind,
               ModelConfig& config) {
    RopeScaling& scaling = config.rope_scaling;
    if (kind == "default") return;
    if (kind == "linear") {
        scaling.kind = Kind::Linear;
        scaling.factor = required(rope, fields, kind, "factor");
    } else if (kind == "dynamic") {
        scaling.kind = Kind::Dynamic;
        scaling.factor = required(rope, fields, kind, "factor");
        scaling.original_max_position_embeddings = config.max_position_embeddings;
    } else if (kind == "llama3") {
        scaling.kind = Kind::Llama3;
        scaling.factor = required(rope, fields, kind, "factor");
        scaling.low_freq_factor = required(rope, fields, kind, "low_freq_factor");
        scaling.high_freq_factor = required(rope, fields, kind, "high_freq_factor");
        const auto original = original_length(rope, fields);
        scaling.original_max_position_embeddings =
            original ? *original
                     : rope.required_int("original_max_position_embeddings", kPositions);
        if (scaling.high_freq_factor <= scaling.low_freq_factor) {
            fields.fail(fmt::format("The rope scaling in '{}' has a high_freq_factor that is not "
                                    "above its low_freq_factor.",
                                    fields.file()),
                        "Get the model's config.json again.");
        }
    } else if (kind == "yarn") {
        scaling.kind = Kind::Yarn;
        scaling.factor = required(rope, fields, kind, "factor");
        scaling.original_max_position_embeddings =
            original_length(rope, fields).value_or(config.max_position_embeddings);
        scaling.beta_fast = rope.optional_positive("beta_fast").value_or(32);
        scaling.beta_slow = rope.optional_positive("beta_slow").value_or(1);
        scaling.truncate = rope.boolean("truncate", true);
        scaling.attention_factor = rope.optional_positive("attention_factor");
        scaling.mscale = rope.optional_positive("mscale");
        scaling.mscale_all_dim = rope.optional_positive("mscale_all_dim");
    } else {
        fields.fail(fmt::format("'{}' uses the rope type '{}', which Dayrun does not have.",
                                fields.file(), kind),
                    "Supported are default, linear, dynamic, llama3 and yarn.");
    }
}

/// The share of each head that is rotated, in whole pairs. As with theta, the scaling's own word
/// goes before the top level's.
void read_rotary_dim(ConfigFields& rope, ConfigFields& fields, ModelConfig& config) {
    auto share = rope.optional_positive("partial_rotary_factor");
    if (!share) share = fields.optional_positive({"rotary_pct", "partial_rotary_factor"});
    const double rotated = static_cast<double>(config.head_dim) * share.value_or(1);
    config.rotary_dim = static_cast<int64_t>(std::min(rotated, 1e9));
    if (!fields.failed() &&
        (share.value_or(1) > 1 || config.rotary_dim < 2 || config.rotary_dim % 2 != 0)) {
        fields.fail(fmt::format("'{}' asks for {} rotated values of the {} in a head; rotation "
                                "needs an even number of them.",
                                fields.file(), config.rotary_dim, config.head_dim),
                    "Get the model's config.json again.");
    }
}

}  // namespace

void read_rope(ConfigFields& fields, ModelConfig& config) {
    // Where both stand, transformers takes the older word, unless it is empty.
    const bool is_young = fields.has("rope_parameters") && fields.raw("rope_scaling").empty();
    const std::string_view key = is_young ? "rope_parameters" : "rope_scaling";
    const nlohmann::json nothing = nlohmann::json::object();
    const nlohmann::json& given = fields.raw(key);
    if (!given.is_null() && !given.is_object()) {
        fields.fail(fmt::format("'{}' gives no object for '{}'.", fields.file(), key),
                    "Get the model's config.json again.");
        return;
    }
    for (const auto& [name, value] : given.items()) {
        if (!value.is_object()) continue;
        fields.fail(
            fmt::format("'{}' gives each type of layer ('{}') {} of its own, which Dayrun does "
                        "not have.",
                        fields.file(), name, key),
            "Choose a model whose layers share one.");
        return;
    }
    ConfigFields rope(given.is_null() ? nothing : given, fields.file());
    auto theta = rope.optional_positive("rope_theta");
    if (!theta) theta = fields.optional_positive({"rope_theta", "rotary_emb_base"});
    config.rope_theta = theta.value_or(kDefaultTheta);
    read_rotary_dim(rope, fields, config);
    if (!given.is_null()) {
        const std::string kind =
            rope.text(rope.has("rope_type") ? "rope_type" : "type",
                      // transformers 4 has no scaling without a type; 5 always names one.
                      is_young || given.empty() ? "default" : "");
        if (kind.empty() && !rope.failed()) {
            fields.fail(fmt::format("The rope_scaling in '{}' names no rope_type.", fields.file()),
                        "Get the model's config.json again.");
        } else if (!rope.failed()) {
            read_kind(rope, fields, kind, config);
        }
    }
    if (rope.failed()) fields.fail(rope.error().message, rope.error().hint);
}

}  // namespace dayrun::core
