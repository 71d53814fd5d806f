// One model with bfloat16 weights, an adapter and rows, on disk, and how far a type's gradients lie
// from the float32 ones on the same weights. For test_bfloat16.cpp and its comparison with PEFT.
#pragma once

#include <optional>

#include "tests/engine/engine_support.h"
#include "tests/support/temp_folder.h"

namespace dayrun::tests {

struct Bfloat16Case {
    TempFolder folder;
    std::filesystem::path base = folder / "base";        // weights stored in bfloat16
    std::filesystem::path adapter = folder / "adapter";  // float32, B not zero
    std::vector<core::PackedRow> rows;
};

/// A golden model with its weights rounded, its own adapter and rows.
std::unique_ptr<Bfloat16Case> rounded_golden(const std::filesystem::path& golden);
/// A random model of this shape, an adapter on all its linear modules, rows of random ids.
std::unique_ptr<Bfloat16Case> random_case(const TinyModel& model, uint64_t seed);

/// The mean loss, and all adapter gradients as one vector in the order of their names.
struct LossAndGradient {
    double loss = 0;
    std::vector<float> gradient;
};
/// By Dayrun's engine computing in `dtype`; nothing after printing why not.
std::optional<LossAndGradient> loss_and_gradient(const Bfloat16Case& bf16_case,
                                                 core::DtypeChoice dtype);
/// The vector of a file of gradients.
std::vector<float> gradient_in(const std::filesystem::path& file);

/// 1 - cosine of the angle between the two.
double direction_distance(const std::vector<float>& a, const std::vector<float>& b);

/// A model of the family with the sizes of `shape`; "qwen1" and the others as in the goldens.
TinyModel of_family(const std::string& family, TinyModel shape = {});
inline const std::vector<std::string> kFamilies = {"llama", "llama3-rope", "mistral",
                                                   "qwen1", "qwen2",       "qwen3"};

}  // namespace dayrun::tests
