// Weights to NF4 on a device, and the second quantization of their absmax (nf4.h has the format);
// codes and absmax are the CPU's to the bit. Once per weight, when a model is loaded.
// Shapes: weight [count], blocks of 64 (32 to 4,096) elements.
// Bytes moved per element: 2 or 4 in, 0.5 + 0.0625 out; nested 4 in and 1.016 out per block.
// Why so: a warp has whole blocks, so their largest elements need shuffles only; fifteen
// comparisons per element are a code. The mean of the absmax is one block's: its sum is float64,
// whose order does not show in a float32 mean of such like numbers.
#include "kernels/nf4/nf4_quantize_body.h"

#include "kernels/blockwise8/blockwise8_body.h"

namespace dayrun::kernels {

// ---- device code: nf4_quantize_body.h ------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_nf4_quantize(const Nf4QuantizeInto& into, DeviceStream stream) {
    const Nf4Quantize& p = into.quantize;
    const bool is_power = (p.block_size & (p.block_size - 1)) == 0;
    if (into.not_finite == nullptr || !is_power || p.block_size < 32 || p.block_size > 4096) {
        return kDeviceInvalidValue;
    }
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using Body = Nf4QuantizeBody<decltype(element)>;
        Body body;
        body.p = p;
        body.not_finite = into.not_finite;
        for (int i = 0; i < 15; ++i) body.thresholds[i] = kNf4Thresholds[i];
        body.is_packed = packs_fit(Body::kRun, {{p.weight, element_bytes(p.dtype), 0}});
        const int64_t warps = pieces(p.count, body.span());
        status = launch(body, pieces(warps, Body::kThreads / kWarp), stream);
    });
    return status;
}

DeviceStatus launch_nf4_nested_quantize(const Nf4NestedQuantize& p, DeviceStream stream) {
    if (p.block_count == 0) return kDeviceSuccess;
    const DeviceStatus status = launch(Nf4MeanBody{p}, 1, stream);
    if (status != kDeviceSuccess) return status;
    Blockwise8Quantize quantize;
    quantize.codes = p.absmax_codes;
    quantize.absmax = p.nested_absmax;
    quantize.values = p.absmax;
    quantize.count = p.block_count;
    quantize.block_size = kNf4NestedBlockSize;
    return launch_blockwise8(quantize, p.absmax_offset, stream);
}

}  // namespace dayrun::kernels
