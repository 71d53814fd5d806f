// Best fit over gaps. Neighbour: block_list.h.
#include "core/engine/memory/block_list.h"

#include <algorithm>
#include <iterator>

#include "core/base/check.h"

namespace dayrun::engine {

void BlockList::add_gap(int64_t begin, int64_t size) {
    m_gaps[begin] = size;
    m_gaps_by_size.emplace(size, begin);
}

void BlockList::remove_gap(int64_t begin, int64_t size) {
    m_gaps.erase(begin);
    m_gaps_by_size.erase({size, begin});
}

std::optional<int64_t> BlockList::take(int64_t bytes) {
    const int64_t size = (bytes + m_step - 1) / m_step * m_step;
    int64_t offset = m_top;
    const auto fit = m_gaps_by_size.lower_bound({size, 0});
    if (fit != m_gaps_by_size.end()) {
        const auto [gap, begin] = *fit;
        offset = begin;
        remove_gap(begin, gap);
        if (gap > size) add_gap(begin + size, gap - size);
    } else {
        if (size > m_limit - m_top) return std::nullopt;
        m_top += size;
    }
    m_blocks[offset] = size;
    m_held += size;
    return offset;
}

void BlockList::give_back(int64_t offset) {
    const auto block = m_blocks.find(offset);
    CHECK(block != m_blocks.end());
    int64_t begin = offset, size = block->second;
    m_held -= size;
    m_blocks.erase(block);
    const auto next = m_gaps.lower_bound(begin);
    if (next != m_gaps.end() && next->first == begin + size) {
        const auto [gap, gap_size] = *next;
        size += gap_size;
        remove_gap(gap, gap_size);
    }
    const auto after = m_gaps.lower_bound(begin);
    if (after != m_gaps.begin()) {
        const auto [gap, gap_size] = *std::prev(after);
        if (gap + gap_size == begin) {
            begin = gap;
            size += gap_size;
            remove_gap(gap, gap_size);
        }
    }
    if (begin + size == m_top) {
        m_top = begin;
    } else {
        add_gap(begin, size);
    }
}

int64_t BlockList::largest() const {
    const int64_t gap = m_gaps_by_size.empty() ? 0 : m_gaps_by_size.rbegin()->first;
    return std::max(gap, m_limit - m_top);
}

}  // namespace dayrun::engine
