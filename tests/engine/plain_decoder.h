// The oracle of the engine's tests: the same decoder written plainly with libtorch in float64,
// whose gradients come from autograd. It shares only names and shapes with the engine.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/compile/packing/packed.h"
#include "core/engine/decoder/decoder.h"
#include "core/engine/model/parameters.h"
#include "core/model/model_config.h"
#include "core/model/weight_map.h"

namespace dayrun::tests {

class PlainDecoder {
  public:
    /// Reads the base's tensors and takes the values of the trained parameters.
    PlainDecoder(const std::filesystem::path& folder, const engine::ParameterSet& parameters,
                 double scaling);

    /// Puts other values in the place of a base tensor (a weight as NF4 gives it back).
    void replace(const std::string& name, const std::vector<float>& values);
    /// Masks and noise that loss() draws, from the kernels' definition; none without a call.
    void set_noise(const engine::TrainingNoise& noise) { m_noise = noise; }

    /// Qwen 1's base and query factors beyond its training length, which training leaves out.
    void set_evaluates(bool evaluates) { m_evaluates = evaluates; }

    /// Loss of the batch, each document alone, divided by `divisor`.
    double loss(const core::PackedBatch& batch, double divisor);
    /// Gradient of the last loss() under the parameter's name, as float32 values.
    std::vector<float> gradient(const std::string& name) const;

  private:
    at::Tensor linear(const at::Tensor& x, const core::LinearInfo& info);
    at::Tensor dropped(const at::Tensor& x, const std::string& module) const;
    at::Tensor embedding_noise(size_t document) const;
    at::Tensor norm(const at::Tensor& x, const std::string& name);
    at::Tensor attention(const at::Tensor& x, const core::LayerNames& layer, int64_t window);
    at::Tensor rotate(const at::Tensor& x) const;
    at::Tensor document_loss(size_t document);
    at::Tensor& tensor(const std::string& name) { return m_tensors.at(name); }

    core::ModelConfig m_config;
    core::WeightMap m_map;
    std::map<std::string, at::Tensor> m_tensors;
    double m_scaling;
    engine::TrainingNoise m_noise;
    bool m_evaluates = false;
    const core::PackedBatch* m_batch = nullptr;  // of the loss at hand
    int64_t m_first_row = 0;                     // of the document at hand
};

}  // namespace dayrun::tests
