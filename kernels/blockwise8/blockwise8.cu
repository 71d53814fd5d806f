// Blockwise 8-bit quantization on a device (blockwise8.h has the meaning); codes and absmax are the
// CPU's to the bit. When a model is loaded, never in a step.
// Shapes: values [count], blocks of 256 or any other size.
// Bytes moved per element: 4 in, 1 out, and 4 per block.
// Why so: a thread block per block of values takes any block size; codes are found by bisection in
// shared memory (code_search.h).
#include "kernels/blockwise8/blockwise8_body.h"

namespace dayrun::kernels {

// ---- device code: blockwise8_body.h --------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_blockwise8(const Blockwise8Quantize& p, const float* offset,
                               DeviceStream stream) {
    Blockwise8Body body;
    body.p = p;
    body.offset = offset;
    body.table = CodeTable::of(p.sign);
    return launch(body, pieces(p.count, p.block_size), stream);
}

DeviceStatus launch_blockwise8_quantize(const Blockwise8Quantize& params, DeviceStream stream) {
    return launch_blockwise8(params, nullptr, stream);
}

}  // namespace dayrun::kernels
