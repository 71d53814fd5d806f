// Which vector instructions the fast CPU versions use, decided once at run time.
// Neighbour: simd_levels.inc compiles each op's row functions once per level. Any thread.
#pragma once

namespace dayrun::kernels {

/// Plain is what every machine of the architecture has (4 floats), Avx2 has 8 with FMA, Avx512 16.
enum class SimdLevel { Plain, Avx2, Avx512 };

/// The level in use: the highest of this processor, unless lowered.
SimdLevel simd_level();

/// The highest level that this processor and this build can run.
SimdLevel highest_simd_level();

/// Uses `level`, or the highest possible one if the processor has less. Sums are ordered by lanes,
/// so results of two levels differ in the last bits: for tests and benchmarks, before any work.
void set_simd_level(SimdLevel level);

/// "plain", "avx2", "avx512".
const char* simd_level_name(SimdLevel level);

}  // namespace dayrun::kernels
