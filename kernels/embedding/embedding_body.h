// The device bodies of embedding.h; embedding.cu says what they move and why they are cut so.
#pragma once

#include "kernels/device/reduce.h"
#include "kernels/device/row_tiles.h"
#include "kernels/embedding/embedding.h"

namespace dayrun::kernels {

/// Rows of a table of W become rows of T.
template <class W>
struct EmbeddingGather {
    template <class T, int kPack>
    struct Body : RowTilesBody<EmbeddingForward, kPack> {
        using RowTilesBody<EmbeddingForward, kPack>::p;  // stride filled in

        DAYRUN_DEVICE void operator()(Block& block) const {
            const PackPlace at = this->tiles.place(block);
            if (at.count <= 0) return;
            const int64_t id = p.token_ids[at.row];
            const bool is_known = id >= 0 && id < p.vocab;
            Pack<W, kPack> from = {};
            if (is_known) {
                const W* row = static_cast<const W*>(p.table) + id * p.cols;
                from = load_pack<kPack>(row + at.col, at.count);
            }
            Pack<T, kPack> out;
            DAYRUN_UNROLL
            for (int i = 0; i < kPack; ++i) {
                out.at[i] = rounded<T>(is_known ? to_float(from.at[i]) : NAN);
            }
            store_pack(static_cast<T*>(p.out) + at.row * p.out_stride + at.col, out, at.count);
        }
    };
};

/// Block t adds the gradients of all tokens that equal token t, in their order, when t is the first
/// of them; else it has nothing to do.
template <class T>
struct EmbeddingBackwardBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    static constexpr int kWarps = kThreads / kWarp;
    struct Shared {
        uint32_t equal[kWarps];  // bit per token of the tile that is looked through
    };
    EmbeddingBackward p;  // stride filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t own = block.index();
        const int64_t id = p.token_ids[own];
        if (id < 0 || id >= p.vocab) return;
        for (int64_t tile = 0; tile < p.tokens; tile += kThreads) {
            const Shared& shared = find_equal(block, tile, id);
            // The first one found decides whether the row is this block's.
            for (int warp = 0; warp < kWarps; ++warp) {
                for (uint32_t bits = shared.equal[warp]; bits != 0; bits &= bits - 1) {
                    const int64_t token = tile + warp * kWarp + lowest_bit(bits);
                    if (token < own) return;
                    add_row(block, token, id);
                }
            }
            block.barrier();
        }
    }

    /// All threads see the same words, and so take the same way.
    DAYRUN_DEVICE const Shared& find_equal(const Block& block, int64_t tile, int64_t id) const {
        Shared& shared = block.shared<Shared>();
        const int64_t token = tile + block.thread();
        const uint32_t bits = block.ballot(token < p.tokens && p.token_ids[token] == id);
        if (block.thread() % kWarp == 0) shared.equal[block.thread() / kWarp] = bits;
        block.barrier();
        return shared;
    }

    DAYRUN_DEVICE static int lowest_bit(uint32_t bits) {
#if defined(__CUDACC__)
        return __ffs(static_cast<int>(bits)) - 1;
#else
        return __builtin_ctz(bits);
#endif
    }

    DAYRUN_DEVICE void add_row(const Block& block, int64_t token, int64_t id) const {
        const T* dout = static_cast<const T*>(p.dout) + token * p.dout_stride;
        float* row = p.dtable + id * p.cols;
        for (int64_t col = block.thread(); col < p.cols; col += kThreads) {
            row[col] += to_float(dout[col]);
        }
    }
};

}  // namespace dayrun::kernels
