// Matrix products over the own kernels, and MKL and oneDNN as libtorch carries them.
// Neighbour: gemm.h.
#include "core/engine/linear/gemm.h"

#include <ATen/ops/from_blob.h>

#include <cstring>

#include "core/base/check.h"
#include "core/engine/device/accelerator.h"
#include "kernels/bias/bias.h"
#include "kernels/common/parallel.h"
#include "kernels/few_rows/few_rows.h"

// libtorch exports the BLAS it was built with, and its oneDNN product on given outputs.
extern "C" {
void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc);
void gemm_bf16bf16f32_(const char* transa, const char* transb, const int* m, const int* n,
                       const int* k, const float* alpha, const uint16_t* a, const int* lda,
                       const uint16_t* b, const int* ldb, const float* beta, float* c,
                       const int* ldc);
}
namespace at::native {
void mkldnn_matmul(const at::Tensor& mat1, const at::Tensor& mat2, const at::Tensor& result,
                   float beta, float alpha);
}

namespace dayrun::engine {
namespace {

// Below this many multiplications MKL's lower cost of a call wins (measured: 64 x 288 x 288).
constexpr int64_t kSmallProduct = int64_t{12} << 20;

int as_int(int64_t value) {
    return static_cast<int>(value);
}

at::Tensor wrap(const Matrix& m) {
    const auto type = m.dtype == Dtype::Float32 ? at::kFloat : at::kBFloat16;
    return at::from_blob(m.data, {m.rows, m.cols}, {m.stride, 1}, at::TensorOptions(type));
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
    const int m_ = as_int(m), n_ = as_int(n), k_ = as_int(k);
    const int lda = as_int(a.stride), ldb = as_int(b.stride), ldc = as_int(c_stride);
    sgemm_(&transa, &transb, &m_, &n_, &k_, &alpha, a.floats(), &lda, b.floats(), &ldb, &beta, c,
           &ldc);
}

bool use_sgemm(const Matrix& out, int64_t inner) {
    return out.dtype == Dtype::Float32 && out.rows * out.cols * inner < kSmallProduct;
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
    if (use_sgemm(out, x.cols)) {
        // Row-major out is column-major out^T = w x^T.
        sgemm('T', 'N', out.cols, out.rows, x.cols, alpha, w, x, beta, out.floats(), out.stride);
        return;
    }
    at::native::mkldnn_matmul(wrap(end_to_end(x)), wrap(w).t(), wrap(out), beta, alpha);
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
    if (use_sgemm(out, x.cols)) {
        sgemm('N', 'N', out.cols, out.rows, x.cols, alpha, w, x, beta, out.floats(), out.stride);
        return;
    }
    at::native::mkldnn_matmul(wrap(end_to_end(x)), wrap(w), wrap(out), beta, alpha);
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
        sgemm('N', 'T', x.cols, y.cols, x.rows, alpha, x, y, 1.0F, out, x.cols);
        return;
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
    const char transa = 'N', transb = 'T';
    const int m = as_int(x.cols), n = as_int(y.cols), k = as_int(x.rows);
    const int lda = as_int(x.stride), ldb = as_int(y.stride), ldc = as_int(x.cols);
    const float one = 1.0F;
    gemm_bf16bf16f32_(&transa, &transb, &m, &n, &k, &alpha, static_cast<const uint16_t*>(x.data),
                      &lda, static_cast<const uint16_t*>(y.data), &ldb, &one, out, &ldc);
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
