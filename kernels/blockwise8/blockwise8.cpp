// The dynamic maps, the nearest-code table and the blockwise quantizer of blockwise8.h.
#include "kernels/blockwise8/blockwise8.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/common/parallel.h"

namespace dayrun::kernels {
namespace {

/// torch.linspace(0.1, 1, count) in float32, as its CPU kernel rounds: fused, from both ends.
float linspace_point(int64_t index, int64_t count) {
    const float step = (1.0f - 0.1f) / static_cast<float>(count - 1);
    if (index < count / 2) return std::fma(step, static_cast<float>(index), 0.1f);
    return std::fma(-step, static_cast<float>(count - 1 - index), 1.0f);
}

std::array<float, 256> make_map(MapSign sign) {
    std::vector<float> values = {0.0f, 1.0f};
    for (int decade = 0; decade < 7; ++decade) {
        const int64_t points = (int64_t{1} << (sign == MapSign::Signed ? decade : decade + 1)) + 1;
        const float power = static_cast<float>(std::pow(10.0, decade - 6));
        for (int64_t i = 0; i + 1 < points; ++i) {
            const float mean = (linspace_point(i, points) + linspace_point(i + 1, points)) / 2.0f;
            values.push_back(power * mean);
            if (sign == MapSign::Signed) values.push_back(-(power * mean));
        }
    }
    std::sort(values.begin(), values.end());
    std::array<float, 256> map;
    std::copy(values.begin(), values.end(), map.begin());
    return map;
}

}  // namespace

const float* dynamic_map(MapSign sign) {
    static const std::array<float, 256> s_signed = make_map(MapSign::Signed);
    static const std::array<float, 256> s_unsigned = make_map(MapSign::Unsigned);
    return sign == MapSign::Signed ? s_signed.data() : s_unsigned.data();
}

NearestCode::NearestCode(const float* map) : m_codes(65536) {
    float midpoints[255];
    for (int i = 0; i < 255; ++i) midpoints[i] = (map[i] + map[i + 1]) / 2.0f;
    for (int step = 0; step < 65536; ++step) {
        const float value = static_cast<float>(2.0 * step / 65535.0) - 1.0f;
        const float* found = std::lower_bound(midpoints, midpoints + 255, value);
        m_codes[static_cast<size_t>(step)] = static_cast<uint8_t>(found - midpoints);
    }
}

const NearestCode& NearestCode::of(MapSign sign) {
    static const NearestCode s_signed(dynamic_map(MapSign::Signed));
    static const NearestCode s_unsigned(dynamic_map(MapSign::Unsigned));
    return sign == MapSign::Signed ? s_signed : s_unsigned;
}

void blockwise8_quantize(const Blockwise8Quantize& p) {
    const NearestCode& nearest = NearestCode::of(p.sign);
    const int64_t blocks = (p.count + p.block_size - 1) / p.block_size;
    parallel_for(blocks, grain_for(5 * p.block_size), [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
            const int64_t first = block * p.block_size;
            const int64_t last = std::min(p.count, first + p.block_size);
            float largest = 0.0f;
            for (int64_t i = first; i < last; ++i) {
                largest = std::max(largest, std::abs(p.values[i]));
            }
            const float inverse = largest > 0.0f ? 1.0f / largest : 0.0f;
            p.absmax[block] = largest;
            for (int64_t i = first; i < last; ++i) p.codes[i] = nearest(p.values[i] * inverse);
        }
    });
}

}  // namespace dayrun::kernels
