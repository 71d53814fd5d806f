// Times a step's products one by one. Neighbour: products_floor.h.
#include "tests/bench/products_floor.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/base/clock.h"
#include "core/engine/linear/gemm.h"
#include "core/engine/loss.h"

namespace dayrun {
namespace {

using engine::Buffer;
using engine::Dtype;
using engine::Matrix;
using engine::MemoryPart;

enum class Form { Nt, Nn, Tn };

class Products {
  public:
    explicit Products(Dtype dtype) : m_dtype(dtype) {}

    /// `count` products of one shape: m x n results over an inner extent of k.
    void add(Form form, int64_t m, int64_t n, int64_t k, double count, Dtype dtype) {
        if (m * n * k == 0) return;
        const auto key = std::tuple(form, m, n, k, dtype);
        if (!m_seconds.contains(key)) m_seconds[key] = best_of_three(form, m, n, k, dtype);
        m_total_s += count * m_seconds[key];
    }
    void add(Form form, int64_t m, int64_t n, int64_t k) { add(form, m, n, k, 1, m_dtype); }
    double total_s() const { return m_total_s; }

  private:
    static double best_of_three(Form form, int64_t m, int64_t n, int64_t k, Dtype dtype) {
        const Buffer a = filled(m * k, dtype), b = filled(n * k, dtype);
        const Buffer out = filled(m * n, form == Form::Tn ? Dtype::Float32 : dtype);
        double best = 1e9;
        for (int i = 0; i < 4; ++i) {  // the first call also makes the product's plan
            const double start = core::process_cpu_s();
            multiply(form, m, n, k, dtype, a, b, out);
            if (i > 0) best = std::min(best, core::process_cpu_s() - start);
        }
        return best;
    }

    static Buffer filled(int64_t count, Dtype dtype) {
        Buffer buffer(count * kernels::element_bytes(dtype), MemoryPart::Working);
        buffer.fill_zero();
        return buffer;
    }

    static void multiply(Form form, int64_t m, int64_t n, int64_t k, Dtype dtype, const Buffer& a,
                         const Buffer& b, const Buffer& out) {
        const auto as = [&](const Buffer& buffer, int64_t rows, int64_t cols) {
            return engine::dense(buffer.data(), rows, cols, dtype);
        };
        switch (form) {
            case Form::Nt:
                return engine::multiply_nt(as(out, m, n), as(a, m, k), as(b, n, k));
            case Form::Nn:
                return engine::multiply_nn(as(out, m, n), as(a, m, k), as(b, k, n));
            case Form::Tn:
                return engine::add_multiply_tn(out.floats(), as(a, k, m), as(b, k, n));
        }
    }

    Dtype m_dtype;
    std::map<std::tuple<Form, int64_t, int64_t, int64_t, Dtype>, double> m_seconds;
    double m_total_s = 0;
};

void add_group(Products& products, const engine::LinearGroup& group, int64_t tokens) {
    const int64_t in = group.in_features(), rank = group.rank();
    products.add(Form::Nt, tokens, rank, in);  // x A^T
    products.add(Form::Nn, tokens, in, rank);  // dx += u A
    products.add(Form::Tn, rank, in, tokens);  // dA
    for (const engine::Linear& linear : group.linears()) {
        const int64_t out = linear.out_features();
        products.add(Form::Nt, tokens, out, in);
        products.add(Form::Nn, tokens, in, out);
        products.add(Form::Nt, tokens, out, linear.rank);  // y += x A^T B^T
        products.add(Form::Nn, tokens, linear.rank, out);  // u
        products.add(Form::Tn, out, linear.rank, tokens);  // dB
    }
}

// Blocks of 64 queries against the keys before them, float32: two products forward, five back.
void add_attention(Products& products, const core::ModelConfig& config, int64_t length,
                   int64_t layers) {
    const int64_t dim = config.head_dim;
    const auto count = static_cast<double>(layers * config.num_attention_heads);
    for (int64_t first = 0; first < length; first += 64) {
        const int64_t queries = std::min<int64_t>(64, length - first), keys = first + queries;
        products.add(Form::Nt, queries, keys, dim, 3 * count, Dtype::Float32);
        products.add(Form::Nn, queries, dim, keys, 2 * count, Dtype::Float32);
        products.add(Form::Tn, keys, dim, queries, 2 * count, Dtype::Float32);
    }
}

}  // namespace

double products_floor_s(const engine::Decoder& decoder, const core::PackedBatch& batch) {
    const engine::DecoderWeights& weights = decoder.weights();
    const auto tokens = static_cast<int64_t>(batch.tokens.size());
    Products products(weights.dtype);
    for (const engine::DecoderLayer& layer : weights.layers) {
        for (const engine::LinearGroup* group :
             {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
            add_group(products, *group, tokens);
        }
    }
    for (size_t i = 0; i + 1 < batch.cu_seqlens.size(); ++i) {
        add_attention(products, weights.config, batch.cu_seqlens[i + 1] - batch.cu_seqlens[i],
                      static_cast<int64_t>(weights.layers.size()));
    }
    const int64_t vocab = weights.config.vocab_size, hidden = weights.config.hidden_size;
    const int64_t chunk = engine::LossHead(weights).chunk_rows();
    for (int64_t done = 0; done < batch.target_token_count; done += chunk) {
        const int64_t rows = std::min(chunk, batch.target_token_count - done);
        products.add(Form::Nt, rows, vocab, hidden);
        products.add(Form::Nn, rows, hidden, vocab);
    }
    return products.total_s();
}

}  // namespace dayrun
