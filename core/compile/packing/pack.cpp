// First-fit by a tree of maxima: leaf i is the free room of row i, so the leftmost row with room is
// found in O(log n). Neighbour: pack.h states the rule. Any thread.
#include "core/compile/packing/pack.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace dayrun::core {
namespace {

/// Free room of rows; every row not yet opened has the full length free.
class RoomTree {
  public:
    RoomTree(size_t row_count, int64_t row_length)
        : m_leaves(std::bit_ceil(std::max<size_t>(row_count, 1))),
          m_room(2 * m_leaves, row_length) {}

    /// The leftmost row with at least `length` free, which then loses it.
    size_t take(int64_t length) {
        size_t node = 1;
        while (node < m_leaves) {
            node *= 2;
            if (m_room[node] < length) ++node;
        }
        const size_t row = node - m_leaves;
        m_room[node] -= length;
        for (node /= 2; node > 0; node /= 2) {
            m_room[node] = std::max(m_room[2 * node], m_room[2 * node + 1]);
        }
        return row;
    }

  private:
    size_t m_leaves;
    std::vector<int64_t> m_room;  // heap order; [m_leaves, 2 m_leaves) are the rows
};

}  // namespace

std::vector<std::vector<uint32_t>> pack_first_fit(std::span<const int32_t> lengths,
                                                  int64_t row_length) {
    std::vector<std::vector<uint32_t>> rows;
    // At worst every document opens a row of its own.
    RoomTree room(lengths.size(), row_length);
    for (size_t i = 0; i < lengths.size(); ++i) {
        CHECK(lengths[i] <= row_length);
        const size_t row = room.take(lengths[i]);
        if (row == rows.size()) rows.emplace_back();
        rows[row].push_back(static_cast<uint32_t>(i));
    }
    return rows;
}

std::vector<std::vector<uint32_t>> one_document_a_row(size_t document_count) {
    std::vector<std::vector<uint32_t>> rows(document_count);
    for (size_t i = 0; i < document_count; ++i) rows[i].push_back(static_cast<uint32_t>(i));
    return rows;
}

}  // namespace dayrun::core
