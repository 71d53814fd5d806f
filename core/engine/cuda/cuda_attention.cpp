// Flash attention through libtorch, and the plain way. Neighbour: cuda_attention.h.
#include "core/engine/cuda/cuda_attention.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>

#include <cmath>

namespace dayrun::engine {
namespace {

// What libtorch's flash kernels take.
constexpr int64_t kMaxHeadDim = 256;

bool takes_flash(const AttentionInput& input, const AttentionShape& shape) {
    return input.q.dtype == Dtype::BFloat16 && shape.head_dim % 8 == 0 &&
           shape.head_dim <= kMaxHeadDim;
}

double scale_of(const AttentionShape& shape) {
    return shape.scale != 0 ? shape.scale : 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
}

at::TensorOptions options_of(Dtype dtype, int device) {
    return at::TensorOptions(dtype == Dtype::Float32 ? at::kFloat : at::kBFloat16)
        .device(at::kCUDA, static_cast<c10::DeviceIndex>(device));
}

// [T, heads, dim] over the rows of a matrix, wherever its columns lie.
at::Tensor by_head(const Matrix& m, int64_t heads, int device) {
    const int64_t dim = m.cols / heads;
    return at::from_blob(m.data, {m.rows, heads, dim}, {m.stride, dim, 1},
                         options_of(m.dtype, device));
}

at::Tensor borders_of(const Documents& documents, int device) {
    return at::from_blob(
        const_cast<int32_t*>(documents.staged), {static_cast<int64_t>(documents.borders.size())},
        at::TensorOptions(at::kInt).device(at::kCUDA, static_cast<c10::DeviceIndex>(device)));
}

std::optional<int64_t> left_window(const AttentionShape& shape) {
    return shape.window > 0 ? std::optional<int64_t>(shape.window - 1) : std::nullopt;
}
std::optional<int64_t> right_window(const AttentionShape& shape) {
    return shape.window > 0 ? std::optional<int64_t>(0) : std::nullopt;
}

/// libtorch's flash backward asks the global switch, which other operations must not see. Under it
/// libtorch fills every new tensor, which took 1 % of a step and is of no use here: each is written
/// whole before it is read.
class DeterministicScope {
  public:
    explicit DeterministicScope(bool is_on) {
        at::globalContext().setDeterministicFillUninitializedMemory(false);
        at::globalContext().setDeterministicAlgorithms(is_on, false);
    }
    ~DeterministicScope() { at::globalContext().setDeterministicAlgorithms(false, false); }
};

/// One document's heads in float32, [heads, length, dim], key heads repeated for their group.
struct PlainDocument {
    at::Tensor q, k, v, mask;
};

at::Tensor wide(const at::Tensor& rows, int64_t begin, int64_t end, int64_t repeats) {
    at::Tensor heads = rows.slice(0, begin, end).to(at::kFloat).transpose(0, 1);
    return repeats > 1 ? heads.repeat_interleave(repeats, 0) : heads;
}

PlainDocument plain_document(const AttentionInput& input, const AttentionShape& shape,
                             int64_t begin, int64_t end, int device) {
    const int64_t group = shape.heads / shape.kv_heads, length = end - begin;
    PlainDocument made;
    made.q = wide(by_head(input.q, shape.heads, device), begin, end, 1);
    made.k = wide(by_head(input.k, shape.kv_heads, device), begin, end, group);
    made.v = wide(by_head(input.v, shape.kv_heads, device), begin, end, group);
    const at::Tensor position = at::arange(length, made.q.options().dtype(at::kLong));
    const at::Tensor distance = position.unsqueeze(1) - position.unsqueeze(0);
    made.mask = distance.lt(0);
    if (shape.window > 0) made.mask = made.mask.logical_or(distance.ge(shape.window));
    return made;
}

at::Tensor scores_of(const PlainDocument& document, double scale) {
    return at::matmul(document.q, document.k.transpose(1, 2))
        .mul(scale)
        .masked_fill(document.mask, -INFINITY);
}

// Sums the gradients of the query heads that share a key head.
at::Tensor of_group(const at::Tensor& heads, int64_t kv_heads) {
    const int64_t group = heads.size(0) / kv_heads;
    return heads.reshape({kv_heads, group, heads.size(1), heads.size(2)}).sum(1);
}

struct FlashResult {
    at::Tensor out, sums;
};
FlashResult flash_forward(const AttentionInput& input, const AttentionShape& shape,
                          const Documents& documents, int device) {
    const at::Tensor borders = borders_of(documents, device);
    const auto made = at::_flash_attention_forward(
        by_head(input.q, shape.heads, device), by_head(input.k, shape.kv_heads, device),
        by_head(input.v, shape.kv_heads, device), borders, borders, documents.longest,
        documents.longest, 0.0, true, false, scale_of(shape), left_window(shape),
        right_window(shape));
    return {std::get<0>(made), std::get<1>(made)};
}

template <class Body>
void for_each_document(const Documents& documents, Body&& body) {
    for (size_t i = 0; i + 1 < documents.borders.size(); ++i) {
        const int64_t begin = documents.borders[i], end = documents.borders[i + 1];
        if (end > begin) body(begin, end);
    }
}

}  // namespace

void CudaAttention::forward(const Matrix& out, const Matrix& logsumexp, const AttentionInput& input,
                            const AttentionShape& shape, const Documents& documents) const {
    at::Tensor result = by_head(out, shape.heads, m_device);
    const auto floats = options_of(Dtype::Float32, m_device);
    // [heads, T]: the same memory, in the order in which the flash kernels write it.
    at::Tensor sums = at::from_blob(logsumexp.data, {shape.heads, out.rows}, floats);
    if (takes_flash(input, shape)) {
        const FlashResult made = flash_forward(input, shape, documents, m_device);
        result.copy_(made.out);
        m_keeps_sums = made.sums.numel() == sums.numel();
        if (m_keeps_sums) sums.copy_(made.sums.reshape(sums.sizes()));
        return;
    }
    for_each_document(documents, [&](int64_t begin, int64_t end) {
        const PlainDocument document = plain_document(input, shape, begin, end, m_device);
        const at::Tensor scores = scores_of(document, scale_of(shape));
        const at::Tensor sum = at::logsumexp(scores, {2});
        sums.slice(1, begin, end).copy_(sum);
        const at::Tensor probabilities = scores.sub(sum.unsqueeze(2)).exp();
        result.slice(0, begin, end).copy_(at::matmul(probabilities, document.v).transpose(0, 1));
    });
}

void CudaAttention::backward(const AttentionInput& gradient, const Matrix& dout,
                             const AttentionInput& input, const Matrix& out,
                             const Matrix& logsumexp, const AttentionShape& shape,
                             const Documents& documents) const {
    at::Tensor dq = by_head(gradient.q, shape.heads, m_device);
    at::Tensor dk = by_head(gradient.k, shape.kv_heads, m_device);
    at::Tensor dv = by_head(gradient.v, shape.kv_heads, m_device);
    const at::Tensor d = by_head(dout, shape.heads, m_device);
    const at::Tensor o = by_head(out, shape.heads, m_device);
    at::Tensor sums = at::from_blob(logsumexp.data, {shape.heads, out.rows},
                                    options_of(Dtype::Float32, m_device));
    if (takes_flash(input, shape)) {
        // A libtorch that pads the sums of short documents has to make them again.
        if (!m_keeps_sums) sums = flash_forward(input, shape, documents, m_device).sums;
        const DeterministicScope scope(m_deterministic);
        const at::Tensor borders = borders_of(documents, m_device);
        // Without dropout the generator's state is read by nobody.
        const at::Tensor unused = at::empty({2}, sums.options().dtype(at::kLong));
        const auto made = at::_flash_attention_backward(
            d, by_head(input.q, shape.heads, m_device), by_head(input.k, shape.kv_heads, m_device),
            by_head(input.v, shape.kv_heads, m_device), o, sums, borders, borders,
            documents.longest, documents.longest, 0.0, true, unused, unused, scale_of(shape),
            left_window(shape), right_window(shape));
        dq.copy_(std::get<0>(made));
        dk.copy_(std::get<1>(made));
        dv.copy_(std::get<2>(made));
        return;
    }
    const double scale = scale_of(shape);
    for_each_document(documents, [&](int64_t begin, int64_t end) {
        const PlainDocument document = plain_document(input, shape, begin, end, m_device);
        const at::Tensor own_sums = sums.slice(1, begin, end).unsqueeze(2);
        const at::Tensor probabilities = scores_of(document, scale).sub(own_sums).exp();
        const at::Tensor own_dout = wide(d, begin, end, 1);
        const at::Tensor delta = own_dout.mul(wide(o, begin, end, 1)).sum(2, true);
        const at::Tensor dprobabilities = at::matmul(own_dout, document.v.transpose(1, 2));
        const at::Tensor dscores = probabilities.mul(dprobabilities.sub(delta)).mul(scale);
        const auto store = [&](at::Tensor& to, const at::Tensor& heads) {
            to.slice(0, begin, end).copy_(heads.transpose(0, 1));
        };
        store(dq, at::matmul(dscores, document.k));
        store(dk, of_group(at::matmul(dscores.transpose(1, 2), document.q), shape.kv_heads));
        store(dv, of_group(at::matmul(probabilities.transpose(1, 2), own_dout), shape.kv_heads));
    });
}

}  // namespace dayrun::engine
