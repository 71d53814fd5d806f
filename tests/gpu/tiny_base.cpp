// The base comes from the engine itself: full training from random values saves a model folder.
// Neighbour: tiny_base.h.
#include "tests/gpu/tiny_base.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/base/atomic_file.h"
#include "core/base/rng.h"
#include "core/engine/engine_factory.h"
#include "tests/gpu/gpu_checks.h"

namespace dayrun::tests {
namespace {

void demand(bool good, const core::Error* error) {
    if (!good) throw std::runtime_error(error->text());
}

template <class T>
T& value_of(core::Result<T>& result) {
    if (!result.ok()) throw std::runtime_error(result.error().text());
    return *result;
}

std::string config_of(const TinyBase& base) {
    nlohmann::json config = {{"architectures", {base.architecture}},
                             {"model_type", base.model_type},
                             {"vocab_size", base.vocab},
                             {"hidden_size", base.hidden},
                             {"intermediate_size", base.intermediate},
                             {"num_hidden_layers", base.layers},
                             {"num_attention_heads", base.heads},
                             {"num_key_value_heads", base.kv_heads},
                             {"head_dim", base.head_dim},
                             {"rms_norm_eps", 1e-5},
                             {"rope_theta", 10000.0},
                             {"max_position_embeddings", 4096},
                             {"hidden_act", "silu"},
                             {"initializer_range", 0.05},
                             {"tie_word_embeddings", false},
                             {"torch_dtype", base.dtype}};
    if (base.window > 0) config["sliding_window"] = base.window;
    return config.dump(1);
}

}  // namespace

void write_tiny_base(const std::filesystem::path& folder, const TinyBase& base) {
    const std::filesystem::path plan = folder.string() + ".config";
    for (const auto& needed : {plan, folder}) {
        const auto made = core::ensure_folder(needed);
        demand(made.ok(), made.ok() ? nullptr : &made.error());
    }
    const auto written = core::write_file(plan / "config.json", config_of(base));
    demand(written.ok(), written.ok() ? nullptr : &written.error());
    core::Recipe recipe;
    recipe.base.path = plan.string();
    recipe.base.random_init = true;
    recipe.adapter.method = core::AdapterMethod::Full;
    const bool is_narrow = base.dtype == "bfloat16";
    recipe.adapter.dtype = is_narrow ? core::DtypeChoice::BFloat16 : core::DtypeChoice::Float32;
    auto engine = engine::make_engine({.kind = core::DeviceKind::Cpu});
    const auto prepared = value_of(engine)->prepare(recipe);
    demand(prepared.ok(), prepared.ok() ? nullptr : &prepared.error());
    const auto saved = (*engine)->save_adapter(folder);
    demand(saved.ok(), saved.ok() ? nullptr : &saved.error());
}

std::unique_ptr<core::Engine> open_engine(core::Device device, const core::Recipe& recipe) {
    auto engine = engine::make_engine(device);
    demand(engine);
    demand((*engine)->prepare(recipe));
    return std::move(*engine);
}

core::Recipe lora_recipe_of(const std::filesystem::path& folder, int rank) {
    core::Recipe recipe;
    recipe.base.path = folder.string();
    recipe.adapter.lora_rank = rank;
    recipe.adapter.lora_alpha = 2 * rank;
    recipe.optimizer.max_grad_norm = 1.0;
    return recipe;
}

core::PackedBatch random_batch(const std::vector<int64_t>& lengths, int64_t vocab, uint64_t seed) {
    core::Rng rng(seed, "gpu batch");
    core::PackedRow row;
    for (const int64_t length : lengths) {
        const auto begin = static_cast<int32_t>(row.tokens.size());
        for (int64_t i = 0; i < length; ++i) {
            const auto id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab)));
            const bool is_masked = rng.uniform() < 0.3;
            row.tokens.push_back(id);
            row.labels.push_back(is_masked ? core::kIgnoreLabel : id);
            row.target_token_count += i > 0 && !is_masked ? 1 : 0;
        }
        row.documents.push_back({.begin = begin, .end = static_cast<int32_t>(row.tokens.size())});
    }
    return core::make_batch({row}, 0);
}

}  // namespace dayrun::tests
