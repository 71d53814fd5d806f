// What the engine's tests share: recipes in code, rows of token ids, small random models in the
// Hugging Face layout, and relative differences. Neighbour: engine_support.cpp.
#pragma once

#include <QString>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/compile/packing/packed.h"
#include "core/engine/decoder_engine.h"
#include "core/model/safetensors.h"
#include "core/recipe/recipe.h"
#include "tests/support/tensor_file.h"

namespace dayrun::tests {

inline const std::vector<std::string> kSevenProjections = {
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

/// A small model's shape; written as a folder with config.json and model.safetensors.
struct TinyModel {
    std::string architecture = "LlamaForCausalLM";
    std::string model_type = "llama";
    int64_t vocab = 67, hidden = 24, intermediate = 40, layers = 2, heads = 4, kv_heads = 2,
            head_dim = 6, window = 0;
    bool tied = false;
    bool llama3_rope = false;  // Llama 3's rope scaling
    int64_t seq_length = 512;  // of Qwen 1, which stretches longer texts when it is told to
    bool stretches = false;
    double weight_scale = 0.2;
};
/// The two shapes of the benchmarks: the sample shape, and 135 million parameters.
TinyModel small_shape();
TinyModel large_shape();
/// False when a file cannot be written.
bool write_tiny_model(const std::filesystem::path& folder, const TinyModel& model, uint64_t seed,
                      core::TensorDtype dtype = core::TensorDtype::Float32);

/// A recipe that trains LoRA on all linear modules of the model in `folder`.
core::Recipe lora_recipe(const std::filesystem::path& folder, int rank = 4, double alpha = 8);

/// A prepared engine, or null after printing why not.
std::unique_ptr<engine::DecoderEngine> open_engine(const core::Recipe& recipe, int threads = 1);

/// Writes the adapter that the recipe makes, its B matrices filled with normal values times
/// `scale` (they start at zero, where A has no gradient). False when that fails.
bool write_random_adapter(const std::filesystem::path& folder, const core::Recipe& recipe,
                          double scale);

/// A row of random ids; about `masked` of its labels are not trained.
core::PackedRow random_row(int64_t length, int64_t vocab, uint64_t seed, double masked = 0.3);
/// Several rows' documents in one row.
core::PackedRow join_rows(const std::vector<core::PackedRow>& rows);

/// A micro-batch of three short documents in two rows, another one for every step.
core::PackedBatch batch_of_step(int step, int64_t vocab);
/// What steps gave, in order.
struct StepFigures {
    std::vector<double> losses, norms;
    friend bool operator==(const StepFigures&, const StepFigures&) = default;
};
/// A micro-batch of a step, of ids below `vocab`.
using BatchOfStep = core::PackedBatch (*)(int step, int64_t vocab);
/// Trains steps [first, last) and appends what they gave; false when one fails or is skipped.
bool train(engine::DecoderEngine& engine, int first, int last, int64_t vocab, StepFigures& figures,
           BatchOfStep batch_of = batch_of_step);
/// The summed loss of a batch that train() does not use; NaN when that fails.
double eval_loss(engine::DecoderEngine& engine, int64_t vocab);

std::span<const float> gradient_of(const engine::Parameter& parameter);
std::span<const float> value_of(const engine::Parameter& parameter);

}  // namespace dayrun::tests

// Fails the test with the Result's error in words; evaluates its argument once.
#define REQUIRE_OK(...)                                                                \
    do {                                                                               \
        const auto& required = (__VA_ARGS__);                                          \
        QVERIFY2(required.ok(), required.ok() ? "" : required.error().text().c_str()); \
    } while (false)
