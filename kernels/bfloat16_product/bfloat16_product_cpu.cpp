// The walk over panels of bfloat16_product.h: tasks are panels of 64 columns by chunks of rows.
// Neighbours: bfloat16_tiles.h has the vector code, bfloat16_outer_product_cpu.cpp the gradients of
// weights.
#include "kernels/bfloat16_product/bfloat16_product.h"

#include <algorithm>

#include "kernels/bfloat16_product/bfloat16_tiles.h"
#include "kernels/common/parallel.h"
#include "kernels/common/simd.h"

#if defined(__x86_64__)

namespace dayrun::kernels {
namespace {

// Pairs of a packed panel, a quarter of a MiB: it is read once a tile and stays in the second-level
// cache beside the weights that are fetched for the next one.
constexpr int64_t kPanelPairs = 1024;
// Panels whose sums wait together, where the inner axis is longer than that: x of the stretch at
// hand stays in the third-level cache for all of them.
constexpr int64_t kGroupPanels = 16;
// So many rows share packed panels: x of a chunk stays in the third-level cache.
constexpr int64_t kChunkRows = 2048;
// With fewer panels than this the rows are divided among threads too, by about so many: of 9 panels
// one of two threads would get 5.
constexpr int64_t kManyPanels = 16;
constexpr int64_t kThinRows = 192;

/// A stretch of one term's inner axis, on its way to a Segment of every panel.
struct Stretch {
    const ProductTerm* term;
    int64_t from, inner;
    int64_t first_pair;  // in the panel
    float rescale;
};

/// The inner axis as far as one panel takes it.
struct Stretches {
    Stretch at[kMostSegments];
    int count = 0;

    int64_t inner() const {
        int64_t sum = 0;
        for (int i = 0; i < count; ++i) sum += at[i].inner;
        return sum;
    }
};

/// Hands out the inner axes of all terms, one after the other, as far as a panel has room.
class InnerWalk {
  public:
    explicit InnerWalk(const Bfloat16Product& product) : m_product(product) {
        int64_t pairs = 0;
        for (int64_t i = 0; i < product.term_count; ++i) pairs += (product.terms[i].inner + 1) / 2;
        m_is_one_pass = pairs <= kPanelPairs && product.term_count <= kMostSegments;
        // Passes of about the same length.
        const int64_t passes = std::max<int64_t>(1, (pairs + kPanelPairs - 1) / kPanelPairs);
        m_most_pairs = std::max<int64_t>(1, (pairs + passes - 1) / passes);
        skip_empty();
    }

    bool is_done() const { return m_term == m_product.term_count; }

    /// The stretches of the next pass; none when it is done.
    Stretches next() {
        Stretches stretches;
        int64_t pairs = 0;
        while (!is_done() && pairs < m_most_pairs && stretches.count < kMostSegments) {
            const ProductTerm& term = m_product.terms[m_term];
            const int64_t inner = std::min(term.inner - m_from, 2 * (m_most_pairs - pairs));
            Stretch& stretch = stretches.at[stretches.count++];
            stretch = {&term, m_from, inner, pairs, 1.0f};
            pairs += (inner + 1) / 2;
            m_from += inner;
            if (m_from < term.inner) continue;
            m_from = 0;
            ++m_term;
            skip_empty();
            // Sums are kept in units of the term at hand; the last one's factor ends them.
            stretch.rescale = term.alpha / (is_done() ? 1.0f : m_product.terms[m_term].alpha);
        }
        return stretches;
    }

    /// Whether one pass takes all terms.
    bool is_one_pass() const { return m_is_one_pass; }

  private:
    void skip_empty() {
        while (!is_done() &&
               (m_product.terms[m_term].inner == 0 || m_product.terms[m_term].alpha == 0.0f)) {
            ++m_term;
        }
    }

    const Bfloat16Product& m_product;
    int64_t m_most_pairs;
    bool m_is_one_pass;
    int64_t m_term = 0;
    int64_t m_from = 0;
};

const bfloat16* first_weight(const Stretch& s, int64_t column) {
    const ProductTerm& term = *s.term;
    if (term.form == WeightForm::InnerByCols) return term.w + s.from * term.w_stride + column;
    return term.w + column * term.w_stride + s.from;
}

void pack(bfloat16* panel, const Stretches& stretches, int64_t column, int64_t cols) {
    for (int i = 0; i < stretches.count; ++i) {
        const Stretch& s = stretches.at[i];
        const int vectors = vectors_of(cols);
        bfloat16* const to = panel + s.first_pair * 2 * kVectorColumns * vectors;
        const bfloat16* const w = first_weight(s, column);
        if (s.term->form == WeightForm::InnerByCols) {
            pack_inner_by_cols(to, w, s.term->w_stride, s.inner, cols, vectors);
        } else {
            pack_cols_by_inner(to, w, s.term->w_stride, s.inner, cols, vectors);
        }
    }
}

/// Whether the weights are more than the caches near the core hold anyway.
bool is_far(const Bfloat16Product& product) {
    constexpr int64_t kNearWeights = int64_t{64} << 10;
    int64_t inner = 0;
    for (int64_t i = 0; i < product.term_count; ++i) inner += product.terms[i].inner;
    return product.cols * inner > kNearWeights;
}

/// The weights that pack() will read.
Ahead ahead_of(const Stretches& stretches, int64_t column, int64_t cols) {
    Ahead ahead;
    for (int i = 0; i < stretches.count; ++i) {
        const Stretch& s = stretches.at[i];
        const bfloat16* const w = first_weight(s, column);
        if (s.term->form == WeightForm::InnerByCols) {
            ahead.add(w, s.inner, cols, s.term->w_stride);
        } else {
            ahead.add(w, cols, s.inner, s.term->w_stride);
        }
    }
    return ahead;
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

/// A range of rows and columns that one task computes.
struct Part {
    int64_t row, rows, column, cols;

    int64_t panels() const { return (cols + kPanelColumns - 1) / kPanelColumns; }
    int64_t panel_column(int64_t panel) const { return column + panel * kPanelColumns; }
    int64_t panel_cols(int64_t panel) const {
        return std::min(kPanelColumns, cols - panel * kPanelColumns);
    }
};

/// Sums that wait between two passes, or null: [rows, 16 * vectors] a panel.
struct WaitingSums {
    const float* begin_from;
    float* end_in;
};

void run_panel(const Bfloat16Product& p, const Part& part, int64_t panel,
               const Stretches& stretches, const WaitingSums& sums, Ahead& ahead) {
    const int64_t cols = part.panel_cols(panel);
    const int vectors = vectors_of(cols);
    bfloat16* const packed = s_panels.take(panel_size(kPanelPairs));
    pack(packed, stretches, part.panel_column(panel), cols);
    Pass pass = pass_of(p, part.row, part.panel_column(panel), cols);
    pass.segment_count = stretches.count;
    for (int i = 0; i < stretches.count; ++i) {
        const Stretch& s = stretches.at[i];
        pass.segments[i] = {s.term->x + part.row * s.term->x_stride + s.from, s.term->x_stride,
                            packed + s.first_pair * 2 * kVectorColumns * vectors, s.inner,
                            s.rescale};
    }
    const int64_t waiting = panel * kPanelColumns * part.rows;
    if (sums.begin_from != nullptr) pass.begin_from = sums.begin_from + waiting;
    if (sums.end_in != nullptr) pass.end_in = sums.end_in + waiting;
    const int64_t steps = part.rows / tile_rows(vectors) * (stretches.inner() / kStep);
    pass.ahead = &ahead;
    pass.ahead_lines = steps > 0 && ahead.lines() > 0 ? ahead.lines() / steps + 1 : 0;
    run_pass(pass, part.rows, vectors);
}

/// All panels of a part, stretch of the inner axis by stretch.
void run_part(const Bfloat16Product& p, const Part& part) {
    InnerWalk walk(p);
    Stretches stretches = walk.next();
    const bool fetches = is_far(p);
    Ahead ahead;
    if (fetches) {
        ahead = ahead_of(stretches, part.column, part.panel_cols(0));
        ahead.fetch(ahead.lines());
    }
    WaitingSums sums{nullptr, nullptr};
    for (bool is_last = false; !is_last;) {
        is_last = walk.is_done();
        const Stretches following = walk.next();
        sums.end_in = is_last ? nullptr : s_sums.take(part.panels() * part.rows * kPanelColumns);
        for (int64_t panel = 0; panel < part.panels(); ++panel) {
            if (fetches) {
                const bool is_same = panel + 1 < part.panels();
                const int64_t next = is_same ? panel + 1 : 0;
                ahead = ahead_of(is_same ? stretches : following, part.panel_column(next),
                                 part.panel_cols(next));
            }
            run_panel(p, part, panel, stretches, sums, ahead);
        }
        sums.begin_from = sums.end_in;
        stretches = following;
    }
}

/// Rows of equal parts of about kThinRows, in whole tiles.
int64_t even_step(int64_t rows) {
    constexpr int64_t kTile = 12;
    const int64_t parts = (rows + kThinRows - 1) / kThinRows;
    const int64_t even = (rows + parts - 1) / std::max<int64_t>(1, parts);
    return std::max<int64_t>(1, (even + kTile - 1) / kTile) * kTile;
}

}  // namespace

bool has_bfloat16_product() {
    static const bool s_has = __builtin_cpu_supports("avx512bf16") != 0;
    return s_has && simd_level() == SimdLevel::Avx512;
}

void bfloat16_product(const Bfloat16Product& params) {
    const int64_t panels = (params.cols + kPanelColumns - 1) / kPanelColumns;
    const int64_t step = panels < kManyPanels ? even_step(params.rows) : kChunkRows;
    const int64_t steps = (params.rows + step - 1) / step;
    const int64_t most = InnerWalk(params).is_one_pass() ? panels : kGroupPanels;
    int64_t inner = 0;
    for (int64_t i = 0; i < params.term_count; ++i) inner += params.terms[i].inner;
    const int64_t grain = grain_for_products(std::min(step, params.rows) *
                                             std::min(kPanelColumns, params.cols) * inner);
    parallel_for(steps * panels, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end;) {
            const int64_t row = i / panels * step, panel = i % panels;
            const int64_t count = std::min({most, end - i, panels - panel});
            // Neighbouring rows of one thread share their panels.
            const int64_t together =
                count == panels ? std::min((end - i) / panels, kChunkRows / step) : 1;
            const int64_t column = panel * kPanelColumns;
            run_part(params, {row, std::min(together * step, params.rows - row), column,
                              std::min(count * kPanelColumns, params.cols - column)});
            i += count * together;
        }
    });
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

}  // namespace dayrun::kernels

#endif
