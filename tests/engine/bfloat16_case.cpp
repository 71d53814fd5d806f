// Bodies of bfloat16_case.h.
#include "tests/engine/bfloat16_case.h"

#include <cmath>

namespace dayrun::tests {

using namespace dayrun::core;

namespace {

bool copy_rounded(const std::filesystem::path& from, const std::filesystem::path& to) {
    const TensorFile file = read_tensors(from);
    std::map<std::string, std::vector<kernels::bfloat16>> rounded;
    std::vector<TensorToWrite> tensors;
    for (const auto& [name, values] : file.values) {
        auto& narrow = rounded[name];
        for (const float value : values) narrow.push_back(kernels::to_bfloat16(value));
        tensors.push_back(
            {name, TensorDtype::BFloat16, file.shapes.at(name), std::as_bytes(std::span(narrow))});
    }
    return write_safetensors(to, tensors).ok();
}

}  // namespace

std::unique_ptr<Bfloat16Case> rounded_golden(const std::filesystem::path& golden) {
    auto made = std::make_unique<Bfloat16Case>();
    std::filesystem::create_directories(made->base);
    std::filesystem::copy(golden / "config.json", made->base / "config.json");
    std::filesystem::copy(golden / "lora/init", made->adapter);
    made->rows = read_rows(read_tensors(golden / "lora/step1.safetensors"));
    if (!copy_rounded(golden / "model.safetensors", made->base / "model.safetensors")) return {};
    return made;
}

std::unique_ptr<Bfloat16Case> random_case(const TinyModel& model, uint64_t seed) {
    auto made = std::make_unique<Bfloat16Case>();
    std::filesystem::create_directories(made->base);
    if (!write_tiny_model(made->base, model, seed, TensorDtype::BFloat16)) return {};
    Recipe recipe = lora_recipe(made->base, 8, 16);
    recipe.seed = seed;
    recipe.base.dtype = DtypeChoice::Float32;
    recipe.adapter.target_modules = std::string("all-linear");
    if (!write_random_adapter(made->adapter, recipe, 0.05)) return {};
    for (uint64_t i = 0; i < 3; ++i) made->rows.push_back(random_row(48, model.vocab, seed + i));
    return made;
}

std::optional<LossAndGradient> loss_and_gradient(const Bfloat16Case& bf16_case, DtypeChoice dtype) {
    Recipe recipe = lora_recipe(bf16_case.base);
    recipe.base.dtype = dtype;
    recipe.adapter.init_from = bf16_case.adapter.string();
    const auto engine = open_engine(recipe);
    if (engine == nullptr) return {};
    const auto file = bf16_case.folder / "gradients.safetensors";
    const auto result = engine->logprobs(bf16_case.rows, {}, file);
    if (!result.ok()) {
        qWarning("%s", result.error().text().c_str());
        return {};
    }
    return LossAndGradient{result->loss, gradient_in(file)};
}

std::vector<float> gradient_in(const std::filesystem::path& file) {
    std::vector<float> all;
    for (const auto& [name, values] : read_tensors(file).values) {
        all.insert(all.end(), values.begin(), values.end());
    }
    return all;
}

double direction_distance(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size() || a.empty()) return INFINITY;
    double product = 0, a_square = 0, b_square = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        product += double{a[i]} * double{b[i]};
        a_square += double{a[i]} * double{a[i]};
        b_square += double{b[i]} * double{b[i]};
    }
    return 1 - product / std::sqrt(a_square * b_square);
}

TinyModel of_family(const std::string& family, TinyModel shape) {
    const auto named = [&](const char* architecture, const char* type) {
        shape.architecture = architecture;
        shape.model_type = type;
    };
    if (family == "mistral") {
        named("MistralForCausalLM", "mistral");
        shape.window = 20;
    } else if (family == "qwen1") {
        named("QWenLMHeadModel", "qwen");
        shape.kv_heads = shape.heads;
    } else if (family == "qwen2") {
        named("Qwen2ForCausalLM", "qwen2");
        shape.tied = true;
    } else if (family == "qwen3") {
        named("Qwen3ForCausalLM", "qwen3");
    }
    shape.llama3_rope = family == "llama3-rope";
    return shape;
}

}  // namespace dayrun::tests
