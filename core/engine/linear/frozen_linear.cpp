// Body of frozen_linear.h.
#include "core/engine/linear/frozen_linear.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/engine/device/accelerator.h"
#include "kernels/convert/convert.h"
#include "kernels/few_rows/few_rows.h"

namespace dayrun::engine {
namespace {

using Slot = LinearScratch::Slot;

// With few rows, as in generation, a weight is read once for a handful of sums: pieces that stay in
// the second-level cache save its way to memory and back.
constexpr int64_t kCachedBytes = int64_t{1} << 20;

int64_t piece_bytes(int64_t tokens, int64_t most_bytes) {
    return tokens <= kernels::kFewRows ? std::min(most_bytes, kCachedBytes) : most_bytes;
}

/// Calls body(rows of the weight, their first row) for pieces of at most `most_bytes`; on a device
/// for all of it, which lies there ahead of its use.
template <class Body>
void over_pieces(const FrozenWeight& weight, LinearScratch& scratch, int64_t most_bytes,
                 Body&& body) {
    const Dtype dtype = weight.compute_dtype;
    if (Accelerator* const device = accelerator()) {
        return body(device->dequantized(weight.nf4, dtype), 0);
    }
    const int64_t rows = dequantized_rows(weight.rows(), weight.cols(), dtype, most_bytes);
    const Matrix memory = scratch.take(Slot::Weight, rows, weight.cols(), dtype);
    for (int64_t begin = 0; begin < weight.rows(); begin += rows) {
        const int64_t count = std::min(rows, weight.rows() - begin);
        const Matrix piece = memory.row_range(0, count);
        kernels::nf4_dequantize({.out = piece.data,
                                 .weight = weight.nf4,
                                 .dtype = dtype,
                                 .row_begin = begin,
                                 .row_end = begin + count});
        body(piece, begin);
    }
}

void cast_rows(const Matrix& out, const Matrix& x, bool adds) {
    kernels::convert_rows({.out = out.data,
                           .x = x.data,
                           .out_dtype = out.dtype,
                           .x_dtype = x.dtype,
                           .adds = adds,
                           .rows = x.rows,
                           .cols = x.cols,
                           .out_stride = out.stride,
                           .x_stride = x.stride});
}

/// Runs body(out, x, beta) in the weight's compute type, casting on both sides where it differs.
template <class Body>
void in_compute_dtype(const Matrix& out, const Matrix& x, Dtype dtype, float beta,
                      LinearScratch& scratch, Body&& body) {
    if (x.dtype == dtype) return body(out, x, beta);
    const Matrix cast_x = scratch.take(Slot::CastInput, x.rows, x.cols, dtype);
    const Matrix cast_out = scratch.take(Slot::CastOutput, out.rows, out.cols, dtype);
    cast_rows(cast_x, x, false);
    body(cast_out, cast_x, 0.0F);
    cast_rows(out, cast_out, beta != 0);
}

}  // namespace

int64_t dequantized_rows(int64_t rows, int64_t cols, Dtype dtype, int64_t most_bytes) {
    const int64_t fitting = most_bytes / (cols * kernels::element_bytes(dtype));
    return std::clamp<int64_t>(fitting, 1, rows);
}

void multiply_frozen(const Matrix& out, const Matrix& x, const FrozenWeight& weight, float beta,
                     LinearScratch& scratch, int64_t most_bytes) {
    if (!weight.is_nf4()) return multiply_nt(out, x, weight.dense, 1.0F, beta);
    in_compute_dtype(out, x, weight.compute_dtype, beta, scratch,
                     [&](const Matrix& y, const Matrix& input, float keep) {
                         over_pieces(weight, scratch, piece_bytes(x.rows, most_bytes),
                                     [&](const Matrix& piece, int64_t begin) {
                                         multiply_nt(y.columns(begin, piece.rows), input, piece,
                                                     1.0F, keep);
                                     });
                     });
}

void multiply_frozen_back(const Matrix& dx, const Matrix& dy, const FrozenWeight& weight,
                          float beta, LinearScratch& scratch, int64_t most_bytes) {
    if (!weight.is_nf4()) return multiply_nn(dx, dy, weight.dense, 1.0F, beta);
    in_compute_dtype(dx, dy, weight.compute_dtype, beta, scratch,
                     [&](const Matrix& out, const Matrix& gradient, float keep) {
                         over_pieces(weight, scratch, most_bytes,
                                     [&](const Matrix& piece, int64_t begin) {
                                         multiply_nn(out, gradient.columns(begin, piece.rows),
                                                     piece, 1.0F, begin == 0 ? keep : 1.0F);
                                     });
                     });
}

void read_weight_rows(const Matrix& out, const FrozenWeight& weight, int64_t begin) {
    CHECK(out.dtype == Dtype::Float32 && out.cols == weight.cols() && out.stride == out.cols);
    if (!weight.is_nf4()) return cast_rows(out, weight.dense.row_range(begin, out.rows), false);
    kernels::nf4_dequantize({.out = out.data,
                             .weight = weight.nf4,
                             .dtype = Dtype::Float32,
                             .row_begin = begin,
                             .row_end = begin + out.rows});
}

}  // namespace dayrun::engine
