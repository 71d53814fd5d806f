// NF4: four-bit codes for normally distributed weights, in blocks of 64 with one absmax each, and
// double quantization of the absmax (QLoRA, Dettmers et al. 2023). Codes, absmax and nested absmax
// are those of bitsandbytes, so checkpoints travel both ways.
//   absmax[b] = max |w| of block b;  code = nearest of kNf4Values to w * (1 / absmax[b])
//   w' = kNf4Values[code] * absmax[b]                            (float32, then rounded to dtype)
//   nested: absmax[b] = map[absmax_codes[b]] * nested_absmax[b / 256] + absmax_offset
// Two codes a byte: element 2k in the high half, 2k + 1 in the low half; behind an odd count a zero
// is quantized with the last block. Blocks run over row ends.
// Neighbours: blockwise8, core/engine/linear. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

constexpr int64_t kNf4BlockSize = 64;
constexpr int64_t kNf4NestedBlockSize = 256;

/// The code book, and the float32 midpoints: code i + 1 if x > kNf4Thresholds[i].
extern const float kNf4Values[16];
extern const float kNf4Thresholds[15];

/// Sizes of the buffers for `count` weights.
constexpr int64_t nf4_code_bytes(int64_t count) {
    return (count + 1) / 2;
}
constexpr int64_t nf4_block_count(int64_t count, int64_t block_size = kNf4BlockSize) {
    return (count + block_size - 1) / block_size;
}

struct Nf4Quantize {
    uint8_t* codes = nullptr;      // out [nf4_code_bytes(count)]
    float* absmax = nullptr;       // out [nf4_block_count(count, block_size)]
    const void* weight = nullptr;  // [count] dtype, row-major
    Dtype dtype = Dtype::Float32;
    int64_t count = 0;
    int64_t block_size = kNf4BlockSize;  // a power of two from 32 to 4096
};

enum class Nf4Outcome { Done, NotFinite };

/// NotFinite: the weight holds an infinity or NaN and must be refused; the outputs are unusable.
/// A block of zeros gets absmax 0 and code 0, as bitsandbytes writes it.
[[nodiscard]] Nf4Outcome nf4_quantize(const Nf4Quantize& params);
[[nodiscard]] Nf4Outcome nf4_reference_quantize(const Nf4Quantize& params);

/// The same on a device, which tells later whether it met an infinity or NaN.
struct Nf4QuantizeInto {
    Nf4Quantize quantize;
    int32_t* not_finite = nullptr;  // set to 1, or left as it is
};

/// The second quantization, of the absmax values of one tensor.
struct Nf4NestedQuantize {
    uint8_t* absmax_codes = nullptr;  // out [block_count]
    float* nested_absmax = nullptr;   // out [ceil(block_count / 256)]
    float* absmax_offset = nullptr;   // out [1]: the mean of absmax
    const float* absmax = nullptr;    // [block_count]
    int64_t block_count = 0;
};
void nf4_nested_quantize(const Nf4NestedQuantize& params);

/// A quantized tensor, wherever its buffers live. Either `absmax` or the nested fields are set.
struct Nf4Weight {
    const uint8_t* codes = nullptr;         // [nf4_code_bytes(rows * cols)]
    const float* absmax = nullptr;          // [blocks], or null when nested
    const uint8_t* absmax_codes = nullptr;  // [blocks] nested
    const float* nested_absmax = nullptr;   // [ceil(blocks / nested_block_size)] nested
    const float* nested_map = nullptr;      // [256] nested; the file's, or dynamic_map(Signed)
    float absmax_offset = 0.0f;
    int64_t block_size = kNf4BlockSize;
    int64_t nested_block_size = kNf4NestedBlockSize;
    int64_t rows = 0;
    int64_t cols = 0;
};

/// Rows [row_begin, row_end) only, so that a multiplication can go through a weight in pieces.
struct Nf4Dequantize {
    void* out = nullptr;  // out [row_end - row_begin, cols] dtype, dense
    Nf4Weight weight;
    Dtype dtype = Dtype::Float32;
    int64_t row_begin = 0;
    int64_t row_end = 0;
};

/// Bytes moved per element: the stored half byte, 0.0625 (0.0164 nested) of absmax, and the output.
void nf4_dequantize(const Nf4Dequantize& params);
void nf4_reference_dequantize(const Nf4Dequantize& params);

}  // namespace dayrun::kernels
