// What both products of bfloat16_product.h are made of: the vector code of its .inc files and a
// thread's working memory. In an unnamed namespace, so that each file has its own.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/common/dtype.h"
#include "kernels/common/thread_memory.h"

namespace dayrun::kernels {
namespace {

#if defined(__clang__)
#pragma clang attribute push(                                                                   \
    __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#endif
#include "kernels/bfloat16_product/bfloat16_pack.inc"
#include "kernels/bfloat16_product/bfloat16_panel.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

// NOLINTBEGIN(misc-definitions-in-headers): two files read this, and each is to have its own
constexpr int64_t kPanelColumns = 64;
// Packing writes whole blocks of 16 pairs.
constexpr int64_t kPackedBeyond = 16;

/// Elements of a packed panel of so many pairs.
constexpr int64_t panel_size(int64_t pairs) {
    return (pairs + kPackedBeyond) * 2 * kPanelColumns;
}

thread_local ThreadMemory<bfloat16> s_panels;
thread_local ThreadMemory<float> s_sums;
// NOLINTEND(misc-definitions-in-headers)

}  // namespace
}  // namespace dayrun::kernels

#endif
