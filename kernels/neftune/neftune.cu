// NEFTune on a device (neftune.h has the formula); the noise is the CPU's, word for word.
// Shapes: x [tokens, cols], the embedding's output, once per micro-batch.
// Bytes moved: 2 * tokens * cols elements of T.
// Why so: every element draws its own Philox word, some 80 instructions, so the arithmetic and not
// the memory decides. It runs once per micro-batch and takes less than a thousandth of it: simple.
#include "kernels/neftune/neftune_body.h"

namespace dayrun::kernels {

// ---- device code: neftune_body.h -----------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_neftune_add(const Neftune& params, DeviceStream stream) {
    Neftune p = params;
    if (p.stride == 0) p.stride = p.cols;
    return launch_packed_rows<NeftuneBody>(p, p.dtype, {p.tokens, p.cols},
                                           {{p.x, element_bytes(p.dtype), p.stride}}, stream);
}

}  // namespace dayrun::kernels
