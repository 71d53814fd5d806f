// Matrix products over the own kernels, and over MKL and oneDNN behind torch().
// Neighbour: gemm.h.
#include "core/engine/linear/gemm.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/engine/device/accelerator.h"
#include "core/engine/device/open_torch.h"
#include "kernels/bias/bias.h"
#include "kernels/common/parallel.h"
#include "kernels/few_rows/few_rows.h"

namespace dayrun::engine {
namespace {

// Below this many multiplications MKL's lower cost of a call wins (measured: 64 x 288 x 288).
constexpr int64_t kSmallProduct = int64_t{12} << 20;

int as_int(int64_t value) {
    return static_cast<int>(value);
}

// libtorch's door to oneDNN copies an operand whose rows do not lie end to end, into fresh memory
// at every call. The copy is made here instead, into memory that stays.
thread_local Buffer s_copy;

Matrix end_to_end(const Matrix& m) {
    if (m.stride == m.cols) return m;
    const int64_t row_bytes = m.cols * kernels::element_bytes(m.dtype);
    if (m.rows * row_bytes > s_copy.bytes()) {
        s_copy = Buffer();
        s_copy = Buffer(m.rows * row_bytes, MemoryPart::Buffers);
    }
    const Matrix copy = dense(s_copy.data(), m.rows, m.cols, m.dtype);
    kernels::parallel_for(m.rows, kernels::grain_for(2 * row_bytes), [&](int64_t from, int64_t to) {
        for (int64_t row = from; row < to; ++row) {
            std::memcpy(copy.row_range(row, 1).data, m.row_range(row, 1).data,
                        static_cast<size_t>(row_bytes));
        }
    });
    return copy;
}

void sgemm(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha, const Matrix& a,
           const Matrix& b, float beta, float* c, int64_t c_stride) {
    torch().product_f32({.transpose_a = transa,
                         .transpose_b = transb,
                         .m = as_int(m),
                         .n = as_int(n),
                         .k = as_int(k),
                         .alpha = alpha,
                         .a = a.data,
                         .lda = as_int(a.stride),
                         .b = b.data,
                         .ldb = as_int(b.stride),
                         .beta = beta,
                         .c = c,
                         .ldc = as_int(c_stride)});
}

bool use_sgemm(const Matrix& out, int64_t inner) {
    return out.dtype == Dtype::Float32 && out.rows * out.cols * inner < kSmallProduct;
}

// The libraries' own tiles: slices end at multiples of it, so that none is cut.
constexpr int64_t kSliceUnit = 16;

/// Cuts a side of an output into as many slices as there are threads and calls body(begin, count)
/// for each; a slice is worth waking a thread for.
template <class Body>
void for_each_slice(int64_t length, int64_t multiplications_per_index, Body&& body) {
    const int64_t units = (length + kSliceUnit - 1) / kSliceUnit;
    kernels::parallel_for(units,
                          kernels::grain_for_products(multiplications_per_index * kSliceUnit),
                          [&](int64_t from, int64_t to) {
                              const int64_t begin = from * kSliceUnit;
                              body(begin, std::min(length, to * kSliceUnit) - begin);
                          });
}

/// out = alpha * x op(w) + beta * out over slices of the output's longer side: product(out, x, w)
/// is called with views of the three. Rows stay whole where a column would be copied (see
/// end_to_end).
template <class Body>
void over_slices(const Matrix& out, const Matrix& x, const Matrix& w, Transpose transpose_w,
                 bool may_cut_columns, Body&& product) {
    if (out.rows >= out.cols || !may_cut_columns) {
        return for_each_slice(out.rows, out.cols * x.cols, [&](int64_t begin, int64_t count) {
            product(out.row_range(begin, count), x.row_range(begin, count), w);
        });
    }
    for_each_slice(out.cols, out.rows * x.cols, [&](int64_t begin, int64_t count) {
        const bool is_transposed = transpose_w == Transpose::Yes;
        product(out.columns(begin, count), x,
                is_transposed ? w.row_range(begin, count) : w.columns(begin, count));
    });
}

/// The same by whichever library is quicker for the shape of the whole, on all threads.
void library_product(const Matrix& out, const Matrix& x, const Matrix& w, Transpose transpose_w,
                     float alpha, float beta) {
    if (use_sgemm(out, x.cols)) {
        const char letter = transpose_w == Transpose::Yes ? 'T' : 'N';
        // Row-major out is column-major out^T = op(w)^T x^T.
        return over_slices(out, x, w, transpose_w, true,
                           [&](const Matrix& own_out, const Matrix& own_x, const Matrix& own_w) {
                               sgemm(letter, 'N', own_out.cols, own_out.rows, own_x.cols, alpha,
                                     own_w, own_x, beta, own_out.floats(), own_out.stride);
                           });
    }
    over_slices(out, end_to_end(x), w, transpose_w, transpose_w == Transpose::Yes,
                [&](const Matrix& own_out, const Matrix& own_x, const Matrix& own_w) {
                    multiply_by_onednn({.out = own_out,
                                        .a = own_x,
                                        .b = own_w,
                                        .transpose_b = transpose_w,
                                        .alpha = alpha,
                                        .beta = beta});
                });
}

bool is_narrow(const Matrix& m) {
    return m.dtype == Dtype::BFloat16;
}

const bfloat16* narrow(const Matrix& m) {
    CHECK(m.empty() || is_narrow(m));
    return static_cast<const bfloat16*>(m.data);
}

kernels::ProductTerm term_of(const SumTerm& term) {
    return {.x = narrow(term.x),
            .w = narrow(term.w),
            .inner = term.x.cols,
            .x_stride = term.x.stride,
            .w_stride = term.w.stride,
            .form = term.form,
            .alpha = term.alpha};
}

bool use_own_product(const Matrix& out) {
    return is_narrow(out) && kernels::has_bfloat16_product();
}

void own_product(const Matrix& out, std::span<const SumTerm> terms, const Matrix& bias,
                 float beta) {
    constexpr size_t kMostTerms = 16;
    kernels::ProductTerm own[kMostTerms];
    CHECK(terms.size() <= kMostTerms);
    for (size_t i = 0; i < terms.size(); ++i) own[i] = term_of(terms[i]);
    kernels::bfloat16_product({.out = out.data,
                               .out_dtype = out.dtype,
                               .terms = own,
                               .term_count = static_cast<int64_t>(terms.size()),
                               .rows = out.rows,
                               .cols = out.cols,
                               .out_stride = out.stride,
                               .bias = narrow(bias),
                               .beta = beta});
}

}  // namespace

void release_product_scratch() {
    s_copy = Buffer();
}

void multiply_nt(const Matrix& out, const Matrix& x, const Matrix& w, float alpha, float beta) {
    CHECK(out.rows == x.rows && out.cols == w.rows && x.cols == w.cols);
    CHECK(out.dtype == x.dtype && x.dtype == w.dtype);
    if (out.rows == 0 || out.cols == 0) return;
    if (Accelerator* const device = accelerator()) {
        return device->multiply({out, x, w, Transpose::No, Transpose::Yes, alpha, beta});
    }
    if (out.rows <= kernels::kFewRows) {
        kernels::few_rows_product({.out = out.data,
                                   .x = x.data,
                                   .w = w.data,
                                   .dtype = out.dtype,
                                   .rows = out.rows,
                                   .cols = out.cols,
                                   .inner = x.cols,
                                   .out_stride = out.stride,
                                   .x_stride = x.stride,
                                   .w_stride = w.stride,
                                   .alpha = alpha,
                                   .beta = beta});
        return;
    }
    if (use_own_product(out)) {
        const SumTerm term{x, w, kernels::WeightForm::ColsByInner, alpha};
        return own_product(out, {&term, 1}, {}, beta);
    }
    library_product(out, x, w, Transpose::Yes, alpha, beta);
}

void multiply_nn(const Matrix& out, const Matrix& x, const Matrix& w, float alpha, float beta) {
    CHECK(out.rows == x.rows && out.cols == w.cols && x.cols == w.rows);
    CHECK(out.dtype == x.dtype && x.dtype == w.dtype);
    if (out.rows == 0 || out.cols == 0) return;
    if (Accelerator* const device = accelerator()) {
        return device->multiply({out, x, w, Transpose::No, Transpose::No, alpha, beta});
    }
    if (use_own_product(out)) {
        const SumTerm term{x, w, kernels::WeightForm::InnerByCols, alpha};
        return own_product(out, {&term, 1}, {}, beta);
    }
    library_product(out, x, w, Transpose::No, alpha, beta);
}

void multiply_sum(const Matrix& out, std::span<const SumTerm> terms, const Matrix& bias) {
    if (out.rows == 0 || out.cols == 0) return;
    if (Accelerator* const device = accelerator()) {
        if (device->multiply_sum(out, terms, bias)) return;
    } else if (use_own_product(out) && out.rows > kernels::kFewRows) {
        // Few rows go by their own kernel, so that a text gets the bits that it gets alone.
        return own_product(out, terms, bias, 0.0F);
    }
    multiply_one_by_one(out, terms, bias);
}

void multiply_one_by_one(const Matrix& out, std::span<const SumTerm> terms, const Matrix& bias) {
    if (!bias.empty()) {
        kernels::bias_fill({.y = out.data,
                            .bias = bias.data,
                            .dtype = out.dtype,
                            .rows = out.rows,
                            .cols = out.cols,
                            .y_stride = out.stride});
    }
    float beta = bias.empty() ? 0.0F : 1.0F;
    for (size_t i = terms.size(); i-- > 0; beta = 1.0F) {
        const SumTerm& term = terms[i];
        if (term.form == kernels::WeightForm::ColsByInner) {
            multiply_nt(out, term.x, term.w, term.alpha, beta);
        } else {
            multiply_nn(out, term.x, term.w, term.alpha, beta);
        }
    }
}

void add_multiply_tn(float* out, const Matrix& y, const Matrix& x, float alpha) {
    CHECK(y.rows == x.rows && y.dtype == x.dtype);
    if (y.rows == 0 || y.cols == 0) return;
    if (Accelerator* const device = accelerator()) {
        return device->multiply({dense(out, y.cols, x.cols, Dtype::Float32), y, x, Transpose::Yes,
                                 Transpose::No, alpha, 1.0F});
    }
    if (x.dtype == Dtype::Float32) {
        return for_each_slice(y.cols, x.cols * x.rows, [&](int64_t begin, int64_t count) {
            sgemm('N', 'T', x.cols, count, x.rows, alpha, x, y.columns(begin, count), 1.0F,
                  out + begin * x.cols, x.cols);
        });
    }
    if (kernels::has_bfloat16_product()) {
        return kernels::bfloat16_outer_product({.out = out,
                                                .y = narrow(y),
                                                .x = narrow(x),
                                                .rows = y.rows,
                                                .y_cols = y.cols,
                                                .x_cols = x.cols,
                                                .y_stride = y.stride,
                                                .x_stride = x.stride,
                                                .alpha = alpha});
    }
    for_each_slice(y.cols, x.cols * x.rows, [&](int64_t begin, int64_t count) {
        const Matrix own_y = y.columns(begin, count);
        torch().product_bf16({.transpose_a = 'N',
                              .transpose_b = 'T',
                              .m = as_int(x.cols),
                              .n = as_int(count),
                              .k = as_int(x.rows),
                              .alpha = alpha,
                              .a = x.data,
                              .lda = as_int(x.stride),
                              .b = own_y.data,
                              .ldb = as_int(own_y.stride),
                              .beta = 1.0F,
                              .c = out + begin * x.cols,
                              .ldc = as_int(x.cols)});
    });
}

void block_nt(const Matrix& out, const Matrix& x, const Matrix& w, float alpha) {
    if (is_narrow(x)) {
        const SumTerm term{x, w, kernels::WeightForm::ColsByInner, alpha};
        return own_product(out, {&term, 1}, {}, 0.0F);
    }
    sgemm('T', 'N', out.cols, out.rows, x.cols, alpha, w, x, 0.0F, out.floats(), out.stride);
}

void block_nn(const Matrix& out, const Matrix& x, const Matrix& w, float alpha) {
    if (is_narrow(x)) {
        const SumTerm term{x, w, kernels::WeightForm::InnerByCols, alpha};
        return own_product(out, {&term, 1}, {}, 0.0F);
    }
    sgemm('N', 'N', out.cols, out.rows, x.cols, alpha, w, x, 0.0F, out.floats(), out.stride);
}

void add_block_tn(const Matrix& out, const Matrix& y, const Matrix& x, float alpha) {
    CHECK(out.stride == x.cols);
    if (is_narrow(x)) return add_multiply_tn(out.floats(), y, x, alpha);
    sgemm('N', 'T', out.cols, out.rows, x.rows, alpha, x, y, 1.0F, out.floats(), out.stride);
}

}  // namespace dayrun::engine
