// One module's DoRA: the lengths of the rows of W + scaling B A and what they are scaled by, made
// anew whenever the trained parameters changed (kernels/dora/dora.h has the formulas). The norm
// counts as a constant in the backward, as in PEFT.
// Neighbour: linear_group.cpp. Lives on the run thread; torch-free.
#pragma once

#include "core/engine/linear/frozen_linear.h"
#include "core/engine/model/parameters.h"

namespace dayrun::engine {

class Dora {
  public:
    explicit Dora(const Parameter* magnitude);

    /// Lengths and scales from the parameters as they are.
    void refresh(const FrozenWeight& weight, const Parameter& a, const Parameter& b, float scaling,
                 LinearScratch& scratch);
    /// Sets the magnitude to the lengths of the last refresh: the module then computes
    /// W + scaling B A, as a fresh adapter does.
    void take_lengths();

    /// out [T, out] holds x W^T and becomes the module's output; base may be out.
    void forward(const Matrix& out, const Matrix& base, const Matrix& lora,
                 const Matrix& bias) const;
    /// dy times (scale - minus), minus 0 or 1: in the slot Scaled or Lora.
    Matrix scaled(const Matrix& dy, float minus, LinearScratch& scratch) const;
    /// Adds to the magnitude's gradient.
    void add_gradient(const Matrix& dy, const Matrix& base, const Matrix& lora) const;

  private:
    const Parameter* m_magnitude;  // [out]
    Buffer m_norm, m_scale;
};

}  // namespace dayrun::engine
