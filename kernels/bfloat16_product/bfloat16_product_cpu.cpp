// The walk over panels of bfloat16_product.h: tasks are panels of 64 columns by chunks of rows, the
// vector code is in bfloat16_panel.inc.
#include "kernels/bfloat16_product/bfloat16_product.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "kernels/common/parallel.h"
#include "kernels/common/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace dayrun::kernels {
namespace {

#if defined(__clang__)
#pragma clang attribute push(                                                                   \
    __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#endif
#include "kernels/bfloat16_product/bfloat16_panel.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

constexpr int64_t kPanelColumns = 64;
// Panels that are packed together. One panel is read once a tile and stays in the second-level
// cache, the others wait in the third.
constexpr int64_t kGroupPanels = 16;
constexpr int64_t kGroupPairs = 8192;  // of all its panels: 2 MiB
constexpr int64_t kPanelPairs = 2048;  // of one: half a MiB
// Packing writes whole blocks of 16 pairs.
constexpr int64_t kPackedBeyond = 16;
// So many rows share packed panels: x of a chunk stays in the third-level cache.
constexpr int64_t kChunkRows = 2048;
// With fewer panels than this the rows are divided among threads too, by so many at least.
constexpr int64_t kManyPanels = 8;
constexpr int64_t kThinRows = 192;
// Rows of a block of an outer product's sum.
constexpr int64_t kBlockRows = 1024;
// Columns of its left side that are turned at once: half a MiB.
constexpr int64_t kStripColumns = 256;

/// A thread's own working memory, kept from call to call.
template <class T>
class ThreadMemory {
  public:
    T* take(int64_t count) {
        if (count > m_count) {
            m_data.reset();
            m_data.reset(static_cast<T*>(
                ::operator new (static_cast<size_t>(count) * sizeof(T), std::align_val_t{64})));
            m_count = count;
        }
        return m_data.get();
    }

  private:
    struct Free {
        void operator()(T* data) const { ::operator delete (data, std::align_val_t{64}); }
    };
    std::unique_ptr<T, Free> m_data;
    int64_t m_count = 0;
};

thread_local ThreadMemory<bfloat16> s_panels, s_turned;
thread_local ThreadMemory<float> s_sums;

/// Elements of a packed panel of so many pairs.
int64_t panel_size(int64_t pairs) {
    return (pairs + kPackedBeyond) * 2 * kPanelColumns;
}

/// A stretch of one term's inner axis, on its way to a Segment of every panel.
struct Stretch {
    const ProductTerm* term;
    int64_t from, inner;
    int64_t first_pair;  // in the panel
    float rescale;
};

/// Hands out the inner axes of all terms, one after the other, as far as a panel has room.
class InnerWalk {
  public:
    InnerWalk(const Bfloat16Product& product, int64_t most_pairs)
        : m_product(product), m_most_pairs(most_pairs) {
        skip_empty();
    }

    bool is_done() const { return m_term == m_product.term_count; }
    int64_t pairs() const { return m_pairs; }

    /// The stretches of the next pass; returns their number.
    int next(Stretch (&stretches)[kMostSegments]) {
        int count = 0;
        m_pairs = 0;
        while (!is_done() && m_pairs < m_most_pairs && count < kMostSegments) {
            const ProductTerm& term = m_product.terms[m_term];
            const int64_t inner = std::min(term.inner - m_from, 2 * (m_most_pairs - m_pairs));
            Stretch& stretch = stretches[count++];
            stretch = {&term, m_from, inner, m_pairs, 1.0f};
            m_pairs += (inner + 1) / 2;
            m_from += inner;
            if (m_from < term.inner) continue;
            m_from = 0;
            ++m_term;
            skip_empty();
            // Sums are kept in units of the term at hand; the last one's factor ends them.
            stretch.rescale = term.alpha / (is_done() ? 1.0f : m_product.terms[m_term].alpha);
        }
        return count;
    }

  private:
    void skip_empty() {
        while (!is_done() &&
               (m_product.terms[m_term].inner == 0 || m_product.terms[m_term].alpha == 0.0f)) {
            ++m_term;
        }
    }

    const Bfloat16Product& m_product;
    int64_t m_most_pairs;
    int64_t m_term = 0;
    int64_t m_from = 0;
    int64_t m_pairs = 0;
};

void pack(bfloat16* panels, int64_t size, const Stretch& stretch, int64_t column, int64_t cols) {
    const ProductTerm& term = *stretch.term;
    if (term.form == WeightForm::InnerByCols) {
        // A narrow last panel has fewer columns a pair, so its pairs begin elsewhere.
        const int64_t whole = cols / kPanelColumns * kPanelColumns;
        const bfloat16* const w = term.w + stretch.from * term.w_stride + column;
        const auto at = [&](int64_t c) {
            return panels + c / kPanelColumns * size +
                   stretch.first_pair * 2 * kVectorColumns * vectors_of(cols - c);
        };
        if (whole > 0) pack_inner_by_cols(at(0), size, w, term.w_stride, stretch.inner, whole);
        if (whole < cols) {
            pack_inner_by_cols(at(whole), size, w + whole, term.w_stride, stretch.inner,
                               cols - whole);
        }
        return;
    }
    for (int64_t c = 0; c < cols; c += kPanelColumns) {
        const int vectors = vectors_of(cols - c);
        pack_cols_by_inner(
            panels + c / kPanelColumns * size + stretch.first_pair * 2 * kVectorColumns * vectors,
            term.w + (column + c) * term.w_stride + stretch.from, term.w_stride, stretch.inner,
            std::min(kPanelColumns, cols - c), vectors);
    }
}

Pass pass_of(const Bfloat16Product& p, int64_t row, int64_t column, int64_t cols) {
    Pass pass{};
    pass.out_dtype = p.out_dtype;
    pass.out =
        static_cast<char*>(p.out) + (row * p.out_stride + column) * element_bytes(p.out_dtype);
    pass.out_stride = p.out_stride;
    pass.bias = p.bias != nullptr ? p.bias + column : nullptr;
    pass.beta = p.beta;
    pass.cols = std::min(kPanelColumns, cols);
    return pass;
}

/// The columns of a group of panels, for the rows of a chunk.
void product_group(const Bfloat16Product& p, int64_t row, int64_t rows, int64_t column,
                   int64_t panels) {
    const int64_t cols = std::min(panels * kPanelColumns, p.cols - column);
    InnerWalk walk(p, std::min(kPanelPairs, kGroupPairs / panels));
    const float* begin_from = nullptr;
    do {
        Stretch stretches[kMostSegments];
        const int count = walk.next(stretches);
        const int64_t size = panel_size(walk.pairs());
        bfloat16* const memory = s_panels.take(panels * size);
        for (int i = 0; i < count; ++i) pack(memory, size, stretches[i], column, cols);
        float* const sums = walk.is_done() && begin_from == nullptr
                                ? nullptr
                                : s_sums.take(panels * rows * kPanelColumns);
        for (int64_t panel = 0; panel < panels; ++panel) {
            const int64_t first = panel * kPanelColumns;
            const int vectors = vectors_of(cols - first);
            Pass pass = pass_of(p, row, column + first, cols - first);
            pass.segment_count = count;
            for (int i = 0; i < count; ++i) {
                const Stretch& s = stretches[i];
                pass.segments[i] = {
                    s.term->x + row * s.term->x_stride + s.from, s.term->x_stride,
                    memory + panel * size + s.first_pair * 2 * kVectorColumns * vectors, s.inner,
                    s.rescale};
            }
            float* const own = sums != nullptr ? sums + first * rows : nullptr;
            pass.begin_from = begin_from != nullptr ? own : nullptr;
            pass.end_in = walk.is_done() ? nullptr : own;
            run_pass(pass, rows, vectors);
        }
        begin_from = sums;
    } while (!walk.is_done());
}

/// out [cols, left] += sums [left, width], turned.
void add_turned(float* out, int64_t out_stride, int64_t left, const float* sums, int64_t width,
                int64_t cols) {
    for (int64_t c = 0; c < cols; ++c) {
        for (int64_t m = 0; m < left; ++m) out[c * out_stride + m] += sums[m * width + c];
    }
}

/// The columns of `left` are the tiles' rows and are turned for it, those of `right` are packed
/// into panels.
struct OuterSides {
    const bfloat16 *left, *right;
    int64_t left_cols, right_cols, left_stride, right_stride;
    bool is_swapped;  // left is x: the sums lie the other way round than out
};

// Turning costs more than packing, so a thin x takes the place of y.
constexpr int64_t kThin = 48;

OuterSides sides_of(const Bfloat16OuterProduct& p) {
    if (p.x_cols < kThin && p.x_cols < p.y_cols) {
        return {p.x, p.y, p.x_cols, p.y_cols, p.x_stride, p.y_stride, true};
    }
    return {p.y, p.x, p.y_cols, p.x_cols, p.y_stride, p.x_stride, false};
}

/// Adds the products of one panel of `right` with a strip of `left`.
void outer_tiles(const Bfloat16OuterProduct& p, const OuterSides& s, const Segment& segment,
                 int64_t left, int64_t left_cols, int64_t column) {
    const int64_t cols = std::min(kPanelColumns, s.right_cols - column);
    const int vectors = vectors_of(cols);
    Pass pass{};
    pass.segments[0] = segment;
    pass.segment_count = 1;
    pass.out_dtype = Dtype::Float32;
    pass.out = p.out + left * p.x_cols + column;
    pass.out_stride = p.x_cols;
    pass.beta = 1.0f;
    pass.cols = cols;
    pass.end_in = s.is_swapped ? s_sums.take(kStripColumns * kPanelColumns) : nullptr;
    run_pass(pass, left_cols, vectors);
    if (s.is_swapped) {
        add_turned(p.out + column * p.x_cols + left, p.x_cols, left_cols, pass.end_in,
                   vectors * kVectorColumns, cols);
    }
}

void outer_panels(const Bfloat16OuterProduct& p, const OuterSides& s, int64_t begin, int64_t end) {
    bfloat16* const turned = s_turned.take(kStripColumns * kBlockRows);
    bfloat16* const panel = s_panels.take(panel_size(kBlockRows / 2));
    for (int64_t row = 0; row < p.rows; row += kBlockRows) {
        const int64_t rows = std::min(kBlockRows, p.rows - row);
        for (int64_t left = 0; left < s.left_cols; left += kStripColumns) {
            const int64_t left_cols = std::min(kStripColumns, s.left_cols - left);
            turn(turned, kBlockRows, s.left + row * s.left_stride + left, s.left_stride, rows,
                 left_cols);
            for (int64_t i = begin; i < end; ++i) {
                const int64_t column = i * kPanelColumns;
                pack_inner_by_cols(panel, 0, s.right + row * s.right_stride + column,
                                   s.right_stride, rows,
                                   std::min(kPanelColumns, s.right_cols - column));
                outer_tiles(p, s, {turned, kBlockRows, panel, rows, p.alpha}, left, left_cols,
                            column);
            }
        }
    }
}

}  // namespace

bool has_bfloat16_product() {
    static const bool s_has = __builtin_cpu_supports("avx512bf16") != 0;
    return s_has && simd_level() == SimdLevel::Avx512;
}

void bfloat16_product(const Bfloat16Product& params) {
    const int64_t panels = (params.cols + kPanelColumns - 1) / kPanelColumns;
    const int64_t step = panels < kManyPanels ? kThinRows : kChunkRows;
    const int64_t steps = (params.rows + step - 1) / step;
    parallel_for(steps * panels, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end;) {
            const int64_t row = i / panels * step, panel = i % panels;
            const int64_t count = std::min({kGroupPanels, end - i, panels - panel});
            // Neighbouring rows of one thread share their panels.
            const int64_t together =
                count == panels ? std::min((end - i) / panels, kChunkRows / step) : 1;
            product_group(params, row, std::min(together * step, params.rows - row),
                          panel * kPanelColumns, count);
            i += count * together;
        }
    });
}

void bfloat16_outer_product(const Bfloat16OuterProduct& params) {
    const OuterSides sides = sides_of(params);
    parallel_for((sides.right_cols + kPanelColumns - 1) / kPanelColumns, 1,
                 [&](int64_t begin, int64_t end) { outer_panels(params, sides, begin, end); });
}

}  // namespace dayrun::kernels

#else

namespace dayrun::kernels {

bool has_bfloat16_product() {
    return false;
}
void bfloat16_product(const Bfloat16Product& params) {
    bfloat16_product_reference(params);
}
void bfloat16_outer_product(const Bfloat16OuterProduct& params) {
    bfloat16_outer_product_reference(params);
}

}  // namespace dayrun::kernels

#endif
