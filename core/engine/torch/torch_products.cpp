// libtorch exports the BLAS it was built with, and its oneDNN product on given outputs; no header
// of the wheel declares them, so packaging/cmake/torch.cmake looks for the symbols when it
// configures. Neighbour: torch_products.h.
#include "core/engine/torch/torch_products.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <cstdio>
#include <exception>
#include <new>

// NOLINTBEGIN(readability-identifier-naming): BLAS and its like fix these names
extern "C" {
void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc);
void gemm_bf16bf16f32_(const char* transa, const char* transb, const int* m, const int* n,
                       const int* k, const float* alpha, const uint16_t* a, const int* lda,
                       const uint16_t* b, const int* ldb, const float* beta, float* c,
                       const int* ldc);
}
// NOLINTEND(readability-identifier-naming)
namespace at::native {
void mkldnn_matmul(const at::Tensor& mat1, const at::Tensor& mat2, const at::Tensor& result,
                   float beta, float alpha);
}

namespace dayrun::engine {
namespace {

// The engine cuts a product itself (linear/gemm.cpp), so that its threads never spin. The
// libraries' numbers belong to the calling thread, and libtorch sets OpenMP's and MKL's along.
void work_alone() {
    thread_local bool s_is_alone = false;
    if (s_is_alone && at::get_num_threads() == 1) return;
    at::set_num_threads(1);
    s_is_alone = true;
}

at::Tensor wrap(const Matrix& m) {
    const auto type = m.dtype == Dtype::Float32 ? at::kFloat : at::kBFloat16;
    return at::from_blob(m.data, {m.rows, m.cols}, {m.stride, 1}, at::TensorOptions(type));
}

at::Tensor operand(const Matrix& m, Transpose transpose) {
    return transpose == Transpose::Yes ? wrap(m).t() : wrap(m);
}

}  // namespace

void torch_product_f32(const BlasProduct& p) {
    work_alone();
    sgemm_(&p.transpose_a, &p.transpose_b, &p.m, &p.n, &p.k, &p.alpha,
           static_cast<const float*>(p.a), &p.lda, static_cast<const float*>(p.b), &p.ldb, &p.beta,
           p.c, &p.ldc);
}

void torch_product_bf16(const BlasProduct& p) {
    work_alone();
    gemm_bf16bf16f32_(&p.transpose_a, &p.transpose_b, &p.m, &p.n, &p.k, &p.alpha,
                      static_cast<const uint16_t*>(p.a), &p.lda, static_cast<const uint16_t*>(p.b),
                      &p.ldb, &p.beta, p.c, &p.ldc);
}

TorchOutcome torch_product_onednn(const Product& p, char* error, size_t error_size) {
    const auto failed = [&](TorchOutcome outcome, const char* reason) {
        std::snprintf(error, error_size, "%s", reason);
        return outcome;
    };
    try {
        work_alone();
        const c10::InferenceMode inference;
        at::native::mkldnn_matmul(operand(p.a, p.transpose_a), operand(p.b, p.transpose_b),
                                  wrap(p.out), p.beta, p.alpha);
        return TorchOutcome::Done;
    } catch (const c10::OutOfMemoryError& failure) {
        return failed(TorchOutcome::OutOfMemory, failure.what_without_backtrace());
    } catch (const std::bad_alloc& failure) {
        return failed(TorchOutcome::OutOfMemory, failure.what());
    } catch (const c10::Error& failure) {
        return failed(TorchOutcome::Failed, failure.what_without_backtrace());
    } catch (const std::exception& failure) {
        return failed(TorchOutcome::Failed, failure.what());
    }
}

}  // namespace dayrun::engine
