// Filling in the strides that were left at 0. Neighbours: dora_cpu.cpp, dora_reference.cpp.
#pragma once

#include <initializer_list>

#include "kernels/dora/dora.h"

namespace dayrun::kernels {

inline void fill_strides(int64_t cols, std::initializer_list<int64_t*> strides) {
    for (int64_t* const stride : strides) {
        if (*stride == 0) *stride = cols;
    }
}
inline DoraForward with_dense_strides(DoraForward p) {
    fill_strides(p.cols, {&p.out_stride, &p.base_stride, &p.lora_stride});
    return p;
}
inline DoraScale with_dense_strides(DoraScale p) {
    fill_strides(p.cols, {&p.out_stride, &p.dy_stride});
    return p;
}
inline DoraMagnitude with_dense_strides(DoraMagnitude p) {
    fill_strides(p.cols, {&p.dy_stride, &p.base_stride, &p.lora_stride});
    return p;
}

}  // namespace dayrun::kernels
