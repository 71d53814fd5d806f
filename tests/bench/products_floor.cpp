// Times a step's products one by one. Neighbour: products_floor.h.
#include "tests/bench/products_floor.h"

#include <algorithm>
#include <compare>
#include <map>
#include <vector>

#include "core/base/clock.h"
#include "core/engine/linear/gemm.h"
#include "core/engine/loss.h"

namespace dayrun {
namespace {

using engine::Buffer;
using engine::Dtype;
using engine::Matrix;
using engine::MemoryPart;

using engine::SumTerm;
using kernels::WeightForm;

/// A product of m x n results: one of a sum's inner extents, or several.
struct Shape {
    int64_t m, n;
    std::vector<int64_t> inner;
    WeightForm form;
    Dtype dtype;
    bool is_outer = false;  // m x n results over the rows of both operands, float32
    bool is_block = false;  // of attention: float32 results

    auto operator<=>(const Shape&) const = default;
};

class Products {
  public:
    /// `count` products of one shape.
    void add(const Shape& shape, double count = 1) {
        int64_t inner = 0;
        for (const int64_t extent : shape.inner) inner += extent;
        if (shape.m * shape.n * inner == 0) return;
        if (!m_seconds.contains(shape)) m_seconds[shape] = best_of_three(shape, inner);
        m_total_s += count * m_seconds[shape];
    }
    double total_s() const { return m_total_s; }

  private:
    static double best_of_three(const Shape& shape, int64_t inner) {
        const Buffer a = filled(shape.m * inner, shape.dtype);
        const Buffer b = filled(shape.n * inner, shape.dtype);
        const bool is_wide = shape.is_outer || shape.is_block;
        const Dtype out_dtype = is_wide ? Dtype::Float32 : shape.dtype;
        const Buffer memory = filled(shape.m * shape.n, out_dtype);
        const Matrix out = engine::dense(memory.data(), shape.m, shape.n, out_dtype);
        double best = 1e9;
        for (int i = 0; i < 4; ++i) {  // the first call also makes the product's plan
            const double start = core::process_cpu_s();
            multiply(shape, out, a, b);
            if (i > 0) best = std::min(best, core::process_cpu_s() - start);
        }
        return best;
    }

    static Buffer filled(int64_t count, Dtype dtype) {
        Buffer buffer(count * kernels::element_bytes(dtype), MemoryPart::Working);
        buffer.fill_zero();
        return buffer;
    }

    static void multiply(const Shape& shape, const Matrix& out, const Buffer& a, const Buffer& b) {
        const bool by_cols = shape.form == WeightForm::ColsByInner;
        const auto left = [&](int64_t rows, int64_t cols) {
            return engine::dense(a.data(), rows, cols, shape.dtype);
        };
        const auto right = [&](int64_t rows, int64_t cols) {
            return engine::dense(b.data(), rows, cols, shape.dtype);
        };
        const int64_t inner = shape.inner.front();
        if (shape.is_outer) {
            return engine::add_multiply_tn(out.floats(), left(inner, shape.m),
                                           right(inner, shape.n));
        }
        std::vector<SumTerm> terms;
        for (const int64_t extent : shape.inner) {
            if (extent == 0) continue;
            terms.push_back({left(shape.m, extent),
                             by_cols ? right(shape.n, extent) : right(extent, shape.n),
                             shape.form});
        }
        if (!shape.is_block) return engine::multiply_sum(out, terms);
        if (by_cols) return engine::block_nt(out, terms[0].x, terms[0].w, 1.0F);
        engine::block_nn(out, terms[0].x, terms[0].w, 1.0F);
    }

    std::map<Shape, double> m_seconds;
    double m_total_s = 0;
};

void add_group(Products& products, const engine::LinearGroup& group, int64_t tokens, Dtype dtype) {
    const int64_t in = group.in_features(), rank = group.rank();
    const auto nt = WeightForm::ColsByInner, nn = WeightForm::InnerByCols;
    products.add({tokens, rank, {in}, nt, dtype});                     // x A^T
    products.add({rank, in, {tokens}, nn, dtype, /*is_outer=*/true});  // dA
    std::vector<int64_t> back = {rank};                                // dx = u A + sum of G W
    for (const engine::Linear& linear : group.linears()) {
        const int64_t out = linear.out_features();
        back.push_back(out);
        products.add({tokens, out, {linear.rank, in}, nt, dtype});  // x A^T B^T + x W^T
        products.add({tokens, linear.rank, {out}, nn, dtype});      // u
        products.add({out, linear.rank, {tokens}, nn, dtype, /*is_outer=*/true});  // dB
    }
    products.add({tokens, in, back, nn, dtype});
}

// Blocks of 64 queries against the keys before them: two products forward, five back.
void add_attention(Products& products, const core::ModelConfig& config, int64_t length,
                   int64_t layers, Dtype dtype) {
    const int64_t dim = config.head_dim;
    const auto count = static_cast<double>(layers * config.num_attention_heads);
    const bool is_narrow = dtype == Dtype::BFloat16 && kernels::has_bfloat16_product();
    const Dtype type = is_narrow ? Dtype::BFloat16 : Dtype::Float32;
    const auto block = [&](int64_t m, int64_t n, int64_t inner, WeightForm form, bool is_outer) {
        return Shape{m, n, {inner}, form, type, is_outer, /*is_block=*/true};
    };
    for (int64_t first = 0; first < length; first += 64) {
        const int64_t queries = std::min<int64_t>(64, length - first), keys = first + queries;
        products.add(block(queries, keys, dim, WeightForm::ColsByInner, false), 3 * count);
        products.add(block(queries, dim, keys, WeightForm::InnerByCols, false), 2 * count);
        products.add(block(keys, dim, queries, WeightForm::InnerByCols, true), 2 * count);
    }
}

}  // namespace

double products_floor_s(const engine::Decoder& decoder, const core::PackedBatch& batch) {
    const engine::DecoderWeights& weights = decoder.weights();
    const auto tokens = static_cast<int64_t>(batch.tokens.size());
    Products products;
    for (const engine::DecoderLayer& layer : weights.layers) {
        for (const engine::LinearGroup* group :
             {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
            add_group(products, *group, tokens, weights.dtype);
        }
    }
    for (size_t i = 0; i + 1 < batch.cu_seqlens.size(); ++i) {
        add_attention(products, weights.config, batch.cu_seqlens[i + 1] - batch.cu_seqlens[i],
                      static_cast<int64_t>(weights.layers.size()), weights.dtype);
    }
    const int64_t vocab = weights.config.vocab_size, hidden = weights.config.hidden_size;
    const int64_t chunk = core::logits_chunk_rows(vocab);
    for (int64_t done = 0; done < batch.target_token_count; done += chunk) {
        const int64_t rows = std::min(chunk, batch.target_token_count - done);
        products.add({rows, vocab, {hidden}, WeightForm::ColsByInner, weights.dtype});
        products.add({rows, hidden, {vocab}, WeightForm::InnerByCols, weights.dtype});
    }
    return products.total_s();
}

}  // namespace dayrun
