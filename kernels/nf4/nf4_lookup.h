// Eight NF4 codes to eight float32 values with the table in registers: byte b of all sixteen values
// lies in four words (a plane), and one byte-permute picks four bytes out of eight by four codes.
// So four codes cost three permutes per plane and eight to put the planes together again: 20 for
// four values, no memory and no divergence.
// Neighbour: nf4_body.h. Device code, and emulated on the host.
#pragma once

#include "kernels/device/block.h"

namespace dayrun::kernels {

/// Byte i of the result is byte (selector >> 4 i) & 7 of the eight bytes of low and high.
DAYRUN_DEVICE uint32_t byte_permute(uint32_t low, uint32_t high, uint32_t selector) {
#if defined(__CUDACC__)
    return __byte_perm(low, high, selector);
#else
    const uint64_t both = (static_cast<uint64_t>(high) << 32) | low;
    uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
        const uint32_t from = (selector >> (4 * i)) & 7u;
        result |= static_cast<uint32_t>((both >> (8 * from)) & 0xffu) << (8 * i);
    }
    return result;
#endif
}

/// The bit patterns of kNf4Values, cut into planes on the host.
struct Nf4Planes {
    uint32_t plane[4][4];  // [byte of the value][code / 4]

    static Nf4Planes of(const float (&values)[16]) {
        Nf4Planes planes = {};
        for (int code = 0; code < 16; ++code) {
            uint32_t bits;
            memcpy(&bits, &values[code], sizeof(bits));
            for (int byte = 0; byte < 4; ++byte) {
                const uint32_t part = (bits >> (8 * byte)) & 0xffu;
                planes.plane[byte][code / 4] |= part << (8 * (code % 4));
            }
        }
        return planes;
    }

    /// The values of the four codes in the lowest 16 bits of `codes`, the first one lowest.
    DAYRUN_DEVICE void values(uint32_t codes, float* out) const {
        const uint32_t low_bits = codes & 0x7777u;
        // Byte i from the first word, or from the second where code i is 8 or more.
        const uint32_t choice = ((codes & 0x8888u) >> 1) | 0x3210u;
        uint32_t bytes[4];
        DAYRUN_UNROLL
        for (int byte = 0; byte < 4; ++byte) {
            const uint32_t lower = byte_permute(plane[byte][0], plane[byte][1], low_bits);
            const uint32_t upper = byte_permute(plane[byte][2], plane[byte][3], low_bits);
            bytes[byte] = byte_permute(lower, upper, choice);
        }
        // bytes[b] has byte b of the four values; now one word per value.
        const uint32_t a = byte_permute(bytes[0], bytes[1], 0x5140u);
        const uint32_t b = byte_permute(bytes[0], bytes[1], 0x7362u);
        const uint32_t c = byte_permute(bytes[2], bytes[3], 0x5140u);
        const uint32_t d = byte_permute(bytes[2], bytes[3], 0x7362u);
        const uint32_t words[4] = {byte_permute(a, c, 0x5410u), byte_permute(a, c, 0x7632u),
                                   byte_permute(b, d, 0x5410u), byte_permute(b, d, 0x7632u)};
        memcpy(out, words, sizeof(words));
    }
};

/// Two codes a byte, the first in the high half, become codes in the order of values().
DAYRUN_DEVICE uint32_t nf4_in_order(uint32_t bytes) {
    return ((bytes >> 4) & 0x0f0f0f0fu) | ((bytes & 0x0f0f0f0fu) << 4);
}

}  // namespace dayrun::kernels
