// The nearest code of a dynamic map on a device, code for code as NearestCode (blockwise8.h) finds
// it: a value belongs to one of 65,536 steps, and codes rise with the steps, so the first step of
// each code and a bisection replace the table of 64 KiB.
// Neighbours: adamw8bit, blockwise8. Device code, and emulated on the host.
#pragma once

#include "kernels/blockwise8/blockwise8.h"
#include "kernels/device/block.h"

namespace dayrun::kernels {

struct CodeTable {
    float value[256];
    uint16_t first_step[256];

    static CodeTable of(MapSign sign) {
        CodeTable table;
        const NearestCode& nearest = NearestCode::of(sign);
        int code = 0;
        for (uint32_t step = 0; step < NearestCode::kSteps; ++step) {
            // A code that no step has begins where the next one does, and is never the last found.
            while (code <= nearest.of_step(step)) {
                table.first_step[code++] = static_cast<uint16_t>(step);
            }
        }
        // Codes beyond the largest that occurs.
        while (code < 256) table.first_step[code++] = 65535;
        for (int i = 0; i < 256; ++i) table.value[i] = dynamic_map(sign)[i];
        return table;
    }

    DAYRUN_DEVICE void copy_entry(const CodeTable& from, int i) {
        value[i] = from.value[i];
        first_step[i] = from.first_step[i];
    }

    /// The code of a value in [-1, 1]; another value gets the code of an end.
    DAYRUN_DEVICE uint8_t nearest(float scaled) const {
        const float place = (scaled + 1.0f) * 32767.5f + 0.5f;
        const uint32_t step = place >= 65535.0f ? 65535u : static_cast<uint32_t>(place);
        int code = 0;
        DAYRUN_UNROLL
        for (int half = 128; half > 0; half /= 2) {
            if (first_step[code + half] <= step) code += half;
        }
        return static_cast<uint8_t>(code);
    }
};

}  // namespace dayrun::kernels
