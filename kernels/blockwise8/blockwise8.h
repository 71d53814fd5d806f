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

/// Codes of scaled values, as bitsandbytes finds them on a CPU: [-1, 1] is cut into 65,536 steps,
/// and a value gets the code nearest to its step, at most 1.6e-5 away from it. States and nested
/// absmax written there agree code for code (its CUDA kernels search the map itself, so they can
/// differ by one code near a midpoint, and resolve unsigned values below 1.6e-5).
class NearestCode {
  public:
    explicit NearestCode(const float* map);
    /// For one of the two dynamic maps; made once, kept for the process.
    static const NearestCode& of(MapSign sign);

    /// value in [-1, 1].
    uint8_t operator()(float value) const {
        // NOLINTNEXTLINE(bugprone-incorrect-roundings): never negative, and codes stay as they are
        return m_codes[static_cast<uint32_t>((value + 1.0f) * 32767.5f + 0.5f)];
    }

    static constexpr uint32_t kSteps = 65536;
    uint8_t of_step(uint32_t step) const { return m_codes[step]; }

  private:
    std::vector<uint8_t> m_codes;  // [65536]
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
