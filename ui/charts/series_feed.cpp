// Decimation itself is core::decimate, the same that compare queries use.
#include "ui/charts/series_feed.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/records/run_query.h"

namespace dayrun::ui {

void SeriesFeed::clear() {
    m_x.clear();
    m_y.clear();
}

void SeriesFeed::append(double x, double y) {
    m_x.push_back(x);
    m_y.push_back(y);
}

void SeriesFeed::set(std::vector<double> x, std::vector<double> y) {
    m_x = std::move(x);
    m_y = std::move(y);
    m_y.resize(m_x.size(), std::numeric_limits<double>::quiet_NaN());
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
    const core::Series drawn =
        core::decimate(std::span(m_x).subspan(first, last - first),
                       std::span(m_y).subspan(first, last - first),
                       static_cast<size_t>(std::max(pixels, 1)));
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
    return result;
}

std::pair<double, double> SeriesFeed::range(double from, double to) const {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    double low = kNone;
    double high = kNone;
    const auto [first, last] = slice(from, to);
    for (size_t i = first; i < last; ++i) {
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
