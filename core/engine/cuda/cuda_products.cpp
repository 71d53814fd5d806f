// Products over cuBLASLt. Neighbour: cuda_products.h.
#include "core/engine/cuda/cuda_products.h"

#include <algorithm>

#include "core/engine/cuda/cuda_status.h"

namespace dayrun::engine {
namespace {

// What NVIDIA advises for chips from 9.0 on; kept alike everywhere, so that plans do not differ.
constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;
constexpr int kMaxCandidates = 8;

cudaDataType_t cuda_type(Dtype dtype) {
    return dtype == Dtype::Float32 ? CUDA_R_32F : CUDA_R_16BF;
}

// The largest power of two up to 256 that divides the address and the row length in bytes.
uint32_t alignment_of(const Matrix& m) {
    const auto address = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(m.data));
    const auto row = static_cast<uint64_t>(m.stride * kernels::element_bytes(m.dtype));
    const uint64_t bits = address | row | 256U;
    return static_cast<uint32_t>(bits & (~bits + 1));
}

/// Frees a handle of cuBLASLt when it goes.
template <class T, cublasStatus_t (*kDestroy)(T)>
struct Handle {
    T value = nullptr;
    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (value != nullptr) kDestroy(value);
    }
};
using Layout = Handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;

void make_layout(Layout& layout, const Matrix& m) {
    // Row-major here is column-major of the transpose there.
    check_cublas(
        cublasLtMatrixLayoutCreate(&layout.value, cuda_type(m.dtype), static_cast<uint64_t>(m.cols),
                                   static_cast<uint64_t>(m.rows), m.stride),
        "describe a matrix");
}

}  // namespace

struct CudaProducts::Plan {
    Handle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> operation;
    Layout a, b, out;
    cublasLtMatmulAlgo_t algorithm{};
};

CudaProducts::CudaProducts(Arena& arena)
    : m_workspace(kWorkspaceBytes, MemoryPart::Buffers, arena) {
    check_cublas(cublasLtCreate(&m_handle), "start cuBLASLt");
}

CudaProducts::~CudaProducts() {
    m_plans.clear();
    cublasLtDestroy(m_handle);
}

// out = op(a) op(b) row-major is out^T = op(b)^T op(a)^T column-major: the operands change places.
CudaProducts::Plan& CudaProducts::plan_of(const Product& p) {
    const Key key = {p.out.rows,
                     p.out.cols,
                     p.transpose_a == Transpose::Yes ? p.a.rows : p.a.cols,
                     p.out.stride,
                     p.a.stride,
                     p.b.stride,
                     static_cast<int64_t>(p.out.dtype),
                     static_cast<int64_t>(p.a.dtype),
                     static_cast<int64_t>(p.transpose_a),
                     static_cast<int64_t>(p.transpose_b),
                     alignment_of(p.out),
                     alignment_of(p.a),
                     alignment_of(p.b),
                     p.beta == 0.0F ? 0 : 1};
    std::unique_ptr<Plan>& plan = m_plans[key];
    if (plan != nullptr) return *plan;
    auto made = std::make_unique<Plan>();
    check_cublas(cublasLtMatmulDescCreate(&made->operation.value, CUBLAS_COMPUTE_32F, CUDA_R_32F),
                 "describe a product");
    const auto set = [&](cublasLtMatmulDescAttributes_t name, cublasOperation_t value) {
        check_cublas(
            cublasLtMatmulDescSetAttribute(made->operation.value, name, &value, sizeof(value)),
            "describe a product");
    };
    set(CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b == Transpose::Yes ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a == Transpose::Yes ? CUBLAS_OP_T : CUBLAS_OP_N);
    make_layout(made->a, p.b);
    make_layout(made->b, p.a);
    make_layout(made->out, p.out);

    Handle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> wish;
    check_cublas(cublasLtMatmulPreferenceCreate(&wish.value), "choose an algorithm");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t name, const auto& value) {
        check_cublas(cublasLtMatmulPreferenceSetAttribute(wish.value, name, &value, sizeof(value)),
                     "choose an algorithm");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(kWorkspaceBytes));
    // Sums in one piece, or in pieces added in a fixed order through the workspace.
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
           static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE |
                                 CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.b));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.a));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.out));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(p.out));
    std::array<cublasLtMatmulHeuristicResult_t, kMaxCandidates> found{};
    int count = 0;
    check_cublas(cublasLtMatmulAlgoGetHeuristic(m_handle, made->operation.value, made->a.value,
                                                made->b.value, made->out.value, made->out.value,
                                                wish.value, kMaxCandidates, found.data(), &count),
                 "choose an algorithm");
    const auto end = found.begin() + count;
    const auto usable = std::find_if(
        found.begin(), end, [](const auto& one) { return one.state == CUBLAS_STATUS_SUCCESS; });
    if (usable == end) check_cublas(CUBLAS_STATUS_NOT_SUPPORTED, "choose an algorithm");
    made->algorithm = usable->algo;
    plan = std::move(made);
    return *plan;
}

void CudaProducts::multiply(const Product& p, cudaStream_t stream) {
    Plan& plan = plan_of(p);
    check_cublas(cublasLtMatmul(m_handle, plan.operation.value, &p.alpha, p.b.data, plan.a.value,
                                p.a.data, plan.b.value, &p.beta, p.out.data, plan.out.value,
                                p.out.data, plan.out.value, &plan.algorithm, m_workspace.data(),
                                static_cast<size_t>(kWorkspaceBytes), stream),
                 "multiply");
}

}  // namespace dayrun::engine
