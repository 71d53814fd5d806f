// Token embedding on a device (embedding.h has the meaning).
// Shapes: out and dout [tokens, cols], table [vocab, cols].
// Bytes moved: forward 2 * tokens * cols elements. Backward tokens * cols elements of T, 8 bytes
// per element of a token's row for each time it occurs, and tokens^2 * 4 bytes of token ids, which
// come from the second-level cache (8,192 tokens: 0.27 GB, some 50 us). Why so: the forward is a
// copy. The backward, which only full training asks for, must add equal tokens in one order; a
// block per token that looks through all ids needs no sorting, no workspace and no atomics, and its
// rows are coalesced.
#include "kernels/embedding/embedding_body.h"

namespace dayrun::kernels {

// ---- device code: embedding_body.h ---------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_embedding_forward(const EmbeddingForward& params, DeviceStream stream) {
    EmbeddingForward p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.table_dtype, [&](auto table) {
        status = launch_packed_rows<EmbeddingGather<decltype(table)>::template Body>(
            p, p.dtype, {p.tokens, p.cols},
            {{p.out, element_bytes(p.dtype), p.out_stride},
             {p.table, element_bytes(p.table_dtype), p.cols}},
            stream);
    });
    return status;
}

DeviceStatus launch_embedding_backward(const EmbeddingBackward& params, DeviceStream stream) {
    EmbeddingBackward p = params;
    if (p.dout_stride == 0) p.dout_stride = p.cols;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        status = launch(EmbeddingBackwardBody<decltype(element)>{p}, p.tokens, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
