// Decimation itself is core::decimate, the same that compare queries use.
#include "ui/charts/series_feed.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/records/run_query.h"

namespace dayrun::ui {
namespace {

constexpr size_t kBlock = 64;

}  // namespace

void SeriesFeed::clear() {
    m_x.clear();
    m_y.clear();
    m_blocks.clear();
}

void SeriesFeed::append(double x, double y) {
    m_x.push_back(x);
    m_y.push_back(y);
    noteInBlock(m_y.size() - 1);
}

void SeriesFeed::noteInBlock(size_t index) {
    if (index / kBlock >= m_blocks.size()) m_blocks.push_back({index, index, false});
    if (!std::isfinite(m_y[index])) return;
    Block& block = m_blocks[index / kBlock];
    if (!block.has_finite || m_y[index] < m_y[block.least]) block.least = index;
    if (!block.has_finite || m_y[index] > m_y[block.most]) block.most = index;
    block.has_finite = true;
}

// Indices that hold all extremes of [first, last): single points at the ragged ends, two a block.
std::vector<size_t> SeriesFeed::extremes(size_t first, size_t last) const {
    std::vector<size_t> kept;
    size_t i = first;
    while (i < last) {
        if (i % kBlock != 0 || i + kBlock > last) {
            kept.push_back(i++);
            continue;
        }
        const Block& block = m_blocks[i / kBlock];
        const size_t low = std::min(block.least, block.most);
        const size_t high = std::max(block.least, block.most);
        kept.push_back(low);
        if (high != low) kept.push_back(high);
        i += kBlock;
    }
    return kept;
}

void SeriesFeed::set(std::vector<double> x, std::vector<double> y) {
    m_x = std::move(x);
    m_y = std::move(y);
    m_y.resize(m_x.size(), std::numeric_limits<double>::quiet_NaN());
    m_blocks.clear();
    for (size_t i = 0; i < m_y.size(); ++i) noteInBlock(i);
}

std::pair<size_t, size_t> SeriesFeed::slice(double from, double to) const {
    const auto begin = std::lower_bound(m_x.begin(), m_x.end(), from);
    const auto end = std::upper_bound(begin, m_x.end(), to);
    size_t first = static_cast<size_t>(begin - m_x.begin());
    size_t last = static_cast<size_t>(end - m_x.begin());
    if (first > 0) --first;
    if (last < m_x.size()) ++last;
    return {first, last};
}

QList<QPointF> SeriesFeed::columns(double from, double to, int pixels) const {
    const auto [first, last] = slice(from, to);
    const auto wanted = static_cast<size_t>(std::max(pixels, 1));
    std::vector<double> x;
    std::vector<double> y;
    std::span<const double> shown_x = std::span(m_x).subspan(first, last - first);
    std::span<const double> shown_y = std::span(m_y).subspan(first, last - first);
    // Many blocks to a pixel column: their extremes hold every extreme of the column.
    if (shown_x.size() > wanted * kBlock * 2) {
        for (const size_t index : extremes(first, last)) {
            x.push_back(m_x[index]);
            y.push_back(m_y[index]);
        }
        shown_x = x;
        shown_y = y;
    }
    const core::Series drawn = core::decimate(shown_x, shown_y, wanted);
    QList<QPointF> points;
    points.reserve(static_cast<qsizetype>(drawn.x.size()));
    for (size_t i = 0; i < drawn.x.size(); ++i) points.append(QPointF(drawn.x[i], drawn.y[i]));
    return points;
}

SeriesFeed SeriesFeed::smoothed(double weight) const {
    SeriesFeed result;
    result.m_x = m_x;
    result.m_y.reserve(m_y.size());
    double mean = 0;
    double norm = 0;
    for (const double value : m_y) {
        if (!std::isfinite(value)) {
            result.m_y.push_back(value);
            continue;
        }
        mean = weight * mean + (1 - weight) * value;
        norm = weight * norm + (1 - weight);
        result.m_y.push_back(mean / norm);
    }
    for (size_t i = 0; i < result.m_y.size(); ++i) result.noteInBlock(i);
    return result;
}

std::pair<double, double> SeriesFeed::range(double from, double to) const {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    double low = kNone;
    double high = kNone;
    const auto [first, last] = slice(from, to);
    for (const size_t i : extremes(first, last)) {
        if (!std::isfinite(m_y[i])) continue;
        low = std::isnan(low) ? m_y[i] : std::min(low, m_y[i]);
        high = std::isnan(high) ? m_y[i] : std::max(high, m_y[i]);
    }
    return {low, high};
}

int SeriesFeed::nearest(double x) const {
    if (m_x.empty()) return -1;
    const auto after = std::lower_bound(m_x.begin(), m_x.end(), x);
    if (after == m_x.begin()) return 0;
    if (after == m_x.end()) return static_cast<int>(m_x.size()) - 1;
    const auto before = after - 1;
    return static_cast<int>((x - *before < *after - x ? before : after) - m_x.begin());
}

}  // namespace dayrun::ui
