// Blockwise 8-bit codes with the dynamic map: what NF4's double quantization and the states of
// 8-bit optimizers are stored in. value = map[code] * absmax[i / block_size].
// The map has a linear scale in each decade from 1e-7 to 1; it is the same to the bit as the one
// bitsandbytes writes (float32 linspace with fused multiply-add, symmetric from both ends).
// Neighbours: nf4, adamw8bit. Any thread.
#pragma once

#include <cstdint>
#include <vector>

namespace dayrun::kernels {

enum class MapSign { Signed, Unsigned };

/// The 256 sorted values. Signed: -0.993 to 1; unsigned: 0 to 1. Made once, kept for the process.
const float* dynamic_map(MapSign sign);

/// Finds the nearest value of a sorted map of 256; on a midpoint, the lower one.
/// A table indexed by the upper 16 bits of the float leads to within a step of the answer.
class NearestCode {
  public:
    explicit NearestCode(const float* map);
    /// For one of the two dynamic maps; made once, kept for the process.
    static const NearestCode& of(MapSign sign);

    uint8_t operator()(float value) const {
        uint32_t bits;
        __builtin_memcpy(&bits, &value, sizeof(bits));
        uint32_t code = m_start[bits >> 16];
        while (value > m_midpoints[code]) ++code;
        return static_cast<uint8_t>(code);
    }

  private:
    std::vector<uint8_t> m_start;  // [65536] a code at or below the answer
    float m_midpoints[256];        // between code and code + 1; the last is +inf
};

/// Quantizes `values` in blocks: absmax[b] = max |value|, codes nearest to value * (1 / absmax).
/// A block of zeros gets absmax 0 and the code of 0.
struct Blockwise8Quantize {
    uint8_t* codes = nullptr;       // out [count]
    float* absmax = nullptr;        // out [ceil(count / block_size)]
    const float* values = nullptr;  // [count], finite
    int64_t count = 0;
    int64_t block_size = 256;
    MapSign sign = MapSign::Signed;
};
void blockwise8_quantize(const Blockwise8Quantize& params);

}  // namespace dayrun::kernels
