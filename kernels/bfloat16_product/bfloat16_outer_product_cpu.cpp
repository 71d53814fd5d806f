// The gradients of weights of bfloat16_product.h: tasks are panels of 64 columns of one side, the
// other is turned so that its columns are the tiles' rows. Neighbour: bfloat16_tiles.h.
#include <algorithm>

#include "kernels/bfloat16_product/bfloat16_product.h"
#include "kernels/bfloat16_product/bfloat16_tiles.h"
#include "kernels/common/parallel.h"

#if defined(__x86_64__)

namespace dayrun::kernels {
namespace {

// Rows of a block of an outer product's sum.
constexpr int64_t kBlockRows = 1024;
// Columns of its left side that are turned at once: half a MiB.
constexpr int64_t kStripColumns = 256;

thread_local ThreadMemory<bfloat16> s_turned;

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
                const int64_t cols = std::min(kPanelColumns, s.right_cols - column);
                pack_inner_by_cols(panel, s.right + row * s.right_stride + column, s.right_stride,
                                   rows, cols, vectors_of(cols));
                outer_tiles(p, s, {turned, kBlockRows, panel, rows, p.alpha}, left, left_cols,
                            column);
            }
        }
    }
}

}  // namespace

void bfloat16_outer_product(const Bfloat16OuterProduct& params) {
    const OuterSides sides = sides_of(params);
    const int64_t width = std::min(kPanelColumns, sides.right_cols);
    parallel_for((sides.right_cols + kPanelColumns - 1) / kPanelColumns,
                 grain_for_products(params.rows * sides.left_cols * width),
                 [&](int64_t begin, int64_t end) { outer_panels(params, sides, begin, end); });
}

}  // namespace dayrun::kernels

#else

namespace dayrun::kernels {

void bfloat16_outer_product(const Bfloat16OuterProduct& params) {
    bfloat16_outer_product_reference(params);
}

}  // namespace dayrun::kernels

#endif
