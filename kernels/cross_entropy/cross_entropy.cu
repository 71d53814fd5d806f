// Cross-entropy and its gradient on a device (cross_entropy.h has the formulas).
// Shapes: a chunk of logits [rows, vocab], vocab 32,000 to 152,064, some thousand rows.
// Bytes moved: forward rows * vocab elements of T, with the gradient 2 * rows * vocab: the second
// sweep over a row (64 to 300 KiB) finds it in the second-level cache, since each SM has one or two
// rows under way.
// Why so: a block per row, largest logit and sum in one sweep (a thread rescales its sum when its
// largest grows), so nothing but the loss leaves the SM between the sweeps. The label's own term
// stays out of the sum, so a loss near zero keeps its digits.
#include "kernels/cross_entropy/cross_entropy_body.h"

namespace dayrun::kernels {
namespace {

// ---- device code: cross_entropy_body.h -----------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

template <CrossEntropyGradient kGradient>
DeviceStatus launch_cross_entropy(const CrossEntropy& params, DeviceStream stream) {
    CrossEntropy p = params;
    if (p.stride == 0) p.stride = p.vocab;
    if (!is_row_length(p.vocab)) return kDeviceInvalidValue;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        status = packs_fit(kPack, {{p.logits, sizeof(T), p.stride}})
                     ? launch(CrossEntropyBody<T, kPack, kGradient>{p}, p.rows, stream)
                     : launch(CrossEntropyBody<T, 1, kGradient>{p}, p.rows, stream);
    });
    return status;
}

}  // namespace

DeviceStatus launch_cross_entropy_forward(const CrossEntropy& params, DeviceStream stream) {
    return launch_cross_entropy<CrossEntropyGradient::No>(params, stream);
}

DeviceStatus launch_cross_entropy_forward_backward(const CrossEntropy& params,
                                                   DeviceStream stream) {
    return launch_cross_entropy<CrossEntropyGradient::Yes>(params, stream);
}

}  // namespace dayrun::kernels
