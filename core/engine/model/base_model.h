// The base a run starts from: its config, its names and its weights. Weights whose type fits are
// used where the file is mapped; others are converted once, tensor by tensor, so that a base never
// needs twice its size. With NF4 the linear modules' weights are codes, mapped from the checkpoint
// itself (a 4-bit one) or from its cache (core/quantize).
// Neighbour: model_builder.h asks for weights by name.
// Lives on the run thread; torch-free.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/engine/buffer.h"
#include "core/engine/linear/frozen_linear.h"
#include "core/model/base_fingerprint.h"
#include "core/model/model_config.h"
#include "core/model/safetensors.h"
#include "core/model/tensor_sums.h"
#include "core/model/weight_map.h"
#include "core/quantize/nf4_tensors.h"
#include "core/recipe/recipe.h"

namespace dayrun::engine {

class BaseModel {
  public:
    /// Reads config.json and opens the checkpoint of recipe.base (not its weights when
    /// base.random_init). The compute type is base.dtype, or the file's.
    static core::Result<BaseModel> open(const core::Recipe& recipe);

    const core::ModelConfig& config() const { return m_config; }
    const core::WeightMap& map() const { return m_map; }
    const std::filesystem::path& folder() const { return m_folder; }
    Dtype dtype() const { return m_dtype; }

    /// A frozen weight in the compute type, valid as long as this object.
    core::Result<Matrix> weight(const std::string& name, const std::vector<int64_t>& shape);
    /// A linear module's weight: dense, or NF4.
    core::Result<FrozenWeight> linear_weight(const core::LinearInfo& info);
    /// Whether linear modules are NF4, by the recipe or by the checkpoint itself.
    bool is_nf4() const { return m_nf4_file != nullptr || m_config.quantization == "nf4"; }
    /// Copies a weight into float32 memory, or draws it where base.random_init: normal with the
    /// config's initializer_range by (seed, name), norms one, biases zero.
    core::Result<void> copy_weight(const std::string& name, const std::vector<int64_t>& shape,
                                   float* out);
    /// The first tensor of the checkpoint that holds an infinity or NaN; reads all of it, so it is
    /// asked for only when a loss is not a number. Empty when there is none.
    std::string find_not_finite() const;
    /// Ends the loading: reads what is used in place into memory, front to back, as far as there
    /// is room for it (the first batch would fetch the same pages one by one), and sums what was
    /// not summed on the way. Returns what this base is.
    core::Result<core::BaseFingerprint> finish();
    /// FileDamaged when a file that is used where it is mapped was written to since it was opened:
    /// the weights changed with it. A file that was replaced or removed stays as it was opened.
    core::Result<void> check_in_use();
    /// Bytes of the weights handed out, mapped or copied.
    int64_t weight_bytes() const { return m_weight_bytes; }

  private:
    core::Result<void> open_quantized(const core::Recipe& recipe);
    const core::TensorView* find_quantized(std::string_view name) const;
    kernels::Nf4Weight on_device(const kernels::Nf4Weight& weight);
    void draw_weight(const std::string& name, int64_t count, float* out) const;

    core::ModelConfig m_config;
    core::WeightMap m_map;
    std::filesystem::path m_folder;
    std::optional<core::CheckpointFiles> m_files;  // empty with base.random_init
    core::TensorSums m_sums;
    std::vector<core::TensorView> m_in_place;  // weights used where their file is mapped
    std::map<std::filesystem::path, core::FileStamp> m_looked_at;  // touched, still the same
    std::unique_ptr<core::SafetensorsFile> m_nf4_file;  // the cache; null for a 4-bit checkpoint
    std::deque<core::Nf4Tensor> m_nf4_tensors;
    std::deque<Buffer> m_copies;
    std::deque<CountedBytes> m_mapped;  // weights used where the file is mapped
    Dtype m_dtype = Dtype::Float32;
    Dtype m_nf4_compute_dtype = Dtype::Float32;
    uint64_t m_seed = 0;
    int64_t m_weight_bytes = 0;
};

/// A stored tensor (F32, BF16 or F16) as float32.
core::Result<void> convert_to_float(const core::TensorView& view, float* out);

}  // namespace dayrun::engine
