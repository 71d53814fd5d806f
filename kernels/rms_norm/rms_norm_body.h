// The device bodies of rms_norm.h; rms_norm.cu says what they move and why they are cut so.
// A row belongs to a team: half a warp or a warp when it is short, else the whole block. A team
// beyond the last row goes along with no columns, since its warp's other half needs it in the sums.
// Each thread keeps its first kKept packs in registers between the two sweeps over the row and
// reads the rest again. All of these are asked for before the first one is used, so that their ways
// to memory overlap.
#pragma once

#include "kernels/device/column_sums.h"
#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"
#include "kernels/rms_norm/rms_norm_row.h"

namespace dayrun::kernels {

constexpr int kRmsNormThreads = 256;

/// The rows of a team of kTeam threads, and the packs of one thread in a row. Those kept cost
/// registers, and so other rows' blocks their place on the multiprocessor: no more than are needed.
template <int kTeam, int kPack, int kKeptPacks>
struct RmsNormTeam {
    static constexpr int kThreads = kRmsNormThreads;
    static constexpr bool kSwitches = true;
    static constexpr int kRowsPerBlock = kThreads / kTeam;
    static constexpr int kStep = kTeam * kPack;
    static constexpr int kKept = kKeptPacks;
    static constexpr int kBlocks = kKept > 2 ? 2 : 3;
    struct Shared {
        float sums[kThreads / kWarp];
    };

    DAYRUN_DEVICE static int64_t row(const Block& block) {
        return block.index() * kRowsPerBlock + block.thread() / kTeam;
    }
    DAYRUN_DEVICE static int first_col(const Block& block) {
        return block.thread() % kTeam * kPack;
    }
    DAYRUN_DEVICE static float sum(const Block& block, float value) {
        if constexpr (kTeam <= kWarp) {
            return reduce_lanes<kTeam>(block, value, Sum<float>());
        } else {
            return reduce_block<kThreads>(block, block.shared<Shared>().sums, value, Sum<float>());
        }
    }
};

template <class T, class W, int kTeam, int kPack, int kKeptPacks>
struct RmsNormForwardBody : RmsNormTeam<kTeam, kPack, kKeptPacks> {
    using Team = RmsNormTeam<kTeam, kPack, kKeptPacks>;
    using Values = Pack<T, kPack>;
    RmsNormForward p;  // strides filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t row = Team::row(block);
        const bool is_row = row < p.tokens * p.heads;
        const T* x = row_at<const T>(p.x, p.x_stride, row, p.heads, p.cols);
        const T* residual = row_at<const T>(p.residual, p.residual_stride, row, p.heads, p.cols);
        T* h = row_at<T>(p.h, p.h_stride, row, p.heads, p.cols);
        T* y = row_at<T>(p.y, p.y_stride, row, p.heads, p.cols);
        const int cols = is_row ? static_cast<int>(p.cols) : 0;
        const int first = Team::first_col(block);

        KeptPack<T, kPack> kept[Team::kKept], added[Team::kKept];
        DAYRUN_UNROLL
        for (int k = 0; k < Team::kKept; ++k) {
            const int col = first + k * Team::kStep;
            kept[k] = keep_pack<kPack>(x + col, cols - col);
            if (residual != nullptr) added[k] = keep_pack<kPack>(residual + col, cols - col);
        }
        float squares = 0.0f;
        DAYRUN_UNROLL
        for (int k = 0; k < Team::kKept; ++k) {
            const int col = first + k * Team::kStep;
            if (col >= cols) break;
            Values values = kept[k].unpacked();
            if (residual != nullptr) values = sum_of(values, added[k].unpacked());
            if (h != nullptr) store_pack(h + col, values, cols - col);
            squares = add_squares(values, squares);
            kept[k] = KeptPack<T, kPack>(values);
        }
        for (int col = first + Team::kKept * Team::kStep; col < cols; col += Team::kStep) {
            const Values values = input_at(x, residual, col, cols - col);
            if (h != nullptr) store_pack(h + col, values, cols - col);
            squares = add_squares(values, squares);
        }

        squares = Team::sum(block, squares);
        const float rstd = 1.0f / sqrtf(squares / static_cast<float>(p.cols) + p.eps);
        if (is_row && first == 0 && p.rstd != nullptr) p.rstd[row] = rstd;

        DAYRUN_UNROLL
        for (int k = 0; k < Team::kKept; ++k) {
            const int col = first + k * Team::kStep;
            if (col >= cols) break;
            const Values values = kept[k].unpacked();
            store_pack(y + col, scaled(values, rstd, col, cols - col), cols - col);
        }
        // h may lie on x or residual, which hold other values by now.
        const T* from = h != nullptr ? h : x;
        const T* add = h != nullptr ? nullptr : residual;
        for (int col = first + Team::kKept * Team::kStep; col < cols; col += Team::kStep) {
            const Values values = input_at(from, add, col, cols - col);
            store_pack(y + col, scaled(values, rstd, col, cols - col), cols - col);
        }
    }

    /// x, or x + residual as it is stored.
    DAYRUN_DEVICE static Values input_at(const T* x, const T* residual, int col, int count) {
        const Values values = load_pack<kPack>(x + col, count);
        return residual == nullptr ? values
                                   : sum_of(values, load_pack<kPack>(residual + col, count));
    }

    DAYRUN_DEVICE static Values sum_of(Values values, const Values& added) {
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            values.at[i] = rounded<T>(to_float(values.at[i]) + to_float(added.at[i]));
        }
        return values;
    }

    DAYRUN_DEVICE static float add_squares(const Values& values, float sum) {
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            sum = fmaf(to_float(values.at[i]), to_float(values.at[i]), sum);
        }
        return sum;
    }

    DAYRUN_DEVICE Values scaled(Values values, float rstd, int col, int count) const {
        const auto weight = load_pack<kPack>(static_cast<const W*>(p.weight) + col, count);
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float normed = as_stored<T>(to_float(values.at[i]) * rstd);
            values.at[i] = rounded<T>(normed * to_float(weight.at[i]));
        }
        return values;
    }
};

template <class T, class W, int kTeam, int kPack, int kKeptPacks>
struct RmsNormBackwardBody : RmsNormTeam<kTeam, kPack, kKeptPacks> {
    using Team = RmsNormTeam<kTeam, kPack, kKeptPacks>;
    using Values = Pack<T, kPack>;
    RmsNormBackward p;  // strides filled in

    /// x and dy of one pack.
    struct Input {
        Values x;
        Values dy;
    };

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t row = Team::row(block);
        const bool is_row = row < p.tokens * p.heads;
        const T* x = row_at<const T>(p.x, p.x_stride, row, p.heads, p.cols);
        const T* dy = row_at<const T>(p.dy, p.dy_stride, row, p.heads, p.cols);
        const T* dresidual = row_at<const T>(p.dresidual, p.dresidual_stride, row, p.heads, p.cols);
        T* dx = row_at<T>(p.dx, p.dx_stride, row, p.heads, p.cols);
        const int cols = is_row ? static_cast<int>(p.cols) : 0;
        const int first = Team::first_col(block);
        const float rstd = is_row ? p.rstd[row] : 0.0f;

        KeptPack<T, kPack> kept_x[Team::kKept], kept_dy[Team::kKept], after[Team::kKept];
        DAYRUN_UNROLL
        for (int k = 0; k < Team::kKept; ++k) {
            const int col = first + k * Team::kStep;
            kept_x[k] = keep_pack<kPack>(x + col, cols - col);
            kept_dy[k] = keep_pack<kPack>(dy + col, cols - col);
            if (dresidual != nullptr) after[k] = keep_pack<kPack>(dresidual + col, cols - col);
        }
        float dot = 0.0f;
        DAYRUN_UNROLL
        for (int k = 0; k < Team::kKept; ++k) {
            const int col = first + k * Team::kStep;
            if (col >= cols) break;
            const Input input{kept_x[k].unpacked(), kept_dy[k].unpacked()};
            dot = add_products(input, col, cols - col, dot);
        }
        for (int col = first + Team::kKept * Team::kStep; col < cols; col += Team::kStep) {
            dot = add_products(input_at(x, dy, col, cols - col), col, cols - col, dot);
        }

        dot = Team::sum(block, dot);
        const float slope = -(dot * rstd) / static_cast<float>(p.cols) * rstd;

        DAYRUN_UNROLL
        for (int k = 0; k < Team::kKept; ++k) {
            const int col = first + k * Team::kStep;
            if (col >= cols) break;
            const Input input{kept_x[k].unpacked(), kept_dy[k].unpacked()};
            store_gradient(input, after[k].unpacked(), dx, rstd, slope, col, cols - col);
        }
        for (int col = first + Team::kKept * Team::kStep; col < cols; col += Team::kStep) {
            const Input input = input_at(x, dy, col, cols - col);
            KeptPack<T, kPack> rest;
            if (dresidual != nullptr) rest = keep_pack<kPack>(dresidual + col, cols - col);
            store_gradient(input, rest.unpacked(), dx, rstd, slope, col, cols - col);
        }
    }

    DAYRUN_DEVICE static Input input_at(const T* x, const T* dy, int col, int count) {
        return {load_pack<kPack>(x + col, count), load_pack<kPack>(dy + col, count)};
    }

    DAYRUN_DEVICE auto weight_at(int col, int count) const {
        return load_pack<kPack>(static_cast<const W*>(p.weight) + col, count);
    }

    DAYRUN_DEVICE float add_products(const Input& input, int col, int count, float sum) const {
        const auto weight = weight_at(col, count);
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float gradient = to_float(input.dy.at[i]) * to_float(weight.at[i]);
            sum = fmaf(gradient, to_float(input.x.at[i]), sum);
        }
        return sum;
    }

    DAYRUN_DEVICE void store_gradient(const Input& input, const Values& after, T* dx, float rstd,
                                      float slope, int col, int count) const {
        const auto weight = weight_at(col, count);
        Values out;
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float gradient = to_float(input.dy.at[i]) * to_float(weight.at[i]);
            const float value = fmaf(to_float(input.x.at[i]), slope, gradient) * rstd;
            out.at[i] = rounded<T>(value + to_float(after.at[i]));
        }
        store_pack(dx + col, out, count);
    }
};

/// The addends of dweight, for ColumnSumsBody.
template <class T>
struct RmsNormWeightGradient {
    RmsNormBackward p;  // strides filled in

    DAYRUN_DEVICE float add_to(float sum, int64_t row, int64_t col) const {
        const T* x = row_at<const T>(p.x, p.x_stride, row, p.heads, p.cols);
        const T* dy = row_at<const T>(p.dy, p.dy_stride, row, p.heads, p.cols);
        const float normed = as_stored<T>(to_float(x[col]) * p.rstd[row]);
        return fmaf(to_float(dy[col]), normed, sum);
    }
    DAYRUN_DEVICE float finish(float total, int64_t) const { return total; }
};

}  // namespace dayrun::kernels
