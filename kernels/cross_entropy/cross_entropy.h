// Cross-entropy over one chunk of logits, and its gradient over the same buffer.
//   loss[r] = logsumexp(z[r]) - z[r, y[r]];   dz = (softmax(z) - onehot(y)) * w[r]
// The sum leaves the label's own term out until the end, so that a loss near zero keeps its
// digits: loss = log1p(sum over j != y of exp(z_j - z_y)) holds to 1e-6 relative for losses over
// 1e-6 and to 3e-6 below, where the rounding of z_j - max in float32 begins to show.
// Neighbour: core/engine/loss. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// The label of a row that is not scored: loss 0, gradient 0.
constexpr int32_t kIgnoredLabel = -100;

/// A label outside [0, vocab) other than kIgnoredLabel gives a NaN loss and leaves a NaN in the
/// row's gradient, which the step's finiteness check then refuses; nothing is read out of bounds.
/// An infinite or NaN logit does the same, except -inf, which is a masked entry.
struct CrossEntropy {
    float* loss = nullptr;             // out [rows]
    float* logsumexp = nullptr;        // out, optional [rows]
    void* logits = nullptr;            // [rows, vocab] dtype; _backward overwrites it with dz
    const int32_t* labels = nullptr;   // [rows]
    const float* row_scale = nullptr;  // optional [rows]: w[r] = grad_scale * row_scale[r]
    float grad_scale = 1.0f;           // usually 1 / target tokens of the optimizer step
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t vocab = 0;
    int64_t stride = 0;  // elements between rows; 0 means vocab
};

/// Loss only; the logits are left as they are. Reads rows * vocab elements once from memory.
void cross_entropy_forward(const CrossEntropy& params);
/// Loss, and the logits become dz. Reads and writes rows * vocab elements once in memory.
void cross_entropy_forward_backward(const CrossEntropy& params);

void cross_entropy_reference_forward(const CrossEntropy& params);
void cross_entropy_reference_forward_backward(const CrossEntropy& params);

}  // namespace dayrun::kernels
