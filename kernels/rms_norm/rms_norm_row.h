// Where the rows of rms_norm.h lie: shared by its reference, its fast version and its device body.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kernels/rms_norm/rms_norm.h"

namespace dayrun::kernels {

/// Row `row` = token * heads + head of a [tokens, heads, cols] buffer; null stays null.
template <class T, class Pointer>
DAYRUN_HOST_DEVICE inline T* row_at(Pointer* base, int64_t stride, int64_t row, int64_t heads,
                                    int64_t cols) {
    if (base == nullptr) return nullptr;
    if (heads == 1) return static_cast<T*>(base) + row * stride;
    // A device divides 32 bits in a fifth of the time of 64.
    const int64_t token =
        row >> 32 == 0 ? static_cast<uint32_t>(row) / static_cast<uint32_t>(heads) : row / heads;
    return static_cast<T*>(base) + token * stride + (row - token * heads) * cols;
}

/// The same parameters with every stride of 0 replaced by the dense one.
inline RmsNormForward with_dense_strides(RmsNormForward p) {
    for (int64_t* stride : {&p.y_stride, &p.h_stride, &p.x_stride, &p.residual_stride}) {
        if (*stride == 0) *stride = p.heads * p.cols;
    }
    return p;
}
inline RmsNormBackward with_dense_strides(RmsNormBackward p) {
    for (int64_t* stride : {&p.dx_stride, &p.dy_stride, &p.x_stride, &p.dresidual_stride}) {
        if (*stride == 0) *stride = p.heads * p.cols;
    }
    return p;
}

}  // namespace dayrun::kernels
