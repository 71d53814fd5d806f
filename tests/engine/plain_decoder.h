// The oracle of the engine's tests: the same decoder written plainly with libtorch in float64,
// whose gradients come from autograd. It shares only names and shapes with the engine.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/engine/model/parameters.h"
#include "core/model/model_config.h"
#include "core/model/weight_map.h"
#include "core/tokens/packing/packed.h"

namespace dayrun::tests {

class PlainDecoder {
  public:
    /// Reads the base's tensors and takes the values of the trained parameters.
    PlainDecoder(const std::filesystem::path& folder, const engine::ParameterSet& parameters,
                 double scaling);

    /// Loss of the batch, each document alone, divided by `divisor`.
    double loss(const core::PackedBatch& batch, double divisor);
    /// Gradient of the last loss() under the parameter's name, as float32 values.
    std::vector<float> gradient(const std::string& name) const;

  private:
    at::Tensor linear(const at::Tensor& x, const core::LinearInfo& info);
    at::Tensor norm(const at::Tensor& x, const std::string& name);
    at::Tensor attention(const at::Tensor& x, const core::LayerNames& layer, int64_t window);
    at::Tensor rotate(const at::Tensor& x) const;
    at::Tensor document_loss(const std::vector<int32_t>& tokens,
                             const std::vector<int32_t>& targets);
    at::Tensor& tensor(const std::string& name) { return m_tensors.at(name); }

    core::ModelConfig m_config;
    core::WeightMap m_map;
    std::map<std::string, at::Tensor> m_tensors;
    double m_scaling;
};

}  // namespace dayrun::tests
