// Mean and deviation over a small window. Neighbour: trainer.cpp. Lives on the run thread.
#include "core/run/outlier_detector.h"

#include <algorithm>
#include <cmath>

namespace dayrun::core {

double OutlierDetector::z_score(double loss) {
    if (!std::isfinite(loss)) return 0;
    const size_t known = std::min(m_count, kWindow);
    // From the oldest on, so that a continued run adds in the same order.
    double sum = 0;
    for (size_t i = m_count - known; i < m_count; ++i) sum += m_losses[i % kWindow];
    const double mean = known > 0 ? sum / static_cast<double>(known) : 0;
    double squares = 0;
    for (size_t i = m_count - known; i < m_count; ++i) {
        const double distance = m_losses[i % kWindow] - mean;
        squares += distance * distance;
    }
    const double deviation = known > 1 ? std::sqrt(squares / static_cast<double>(known - 1)) : 0;

    remember(loss);
    if (known < kLeast || deviation <= 0) return 0;
    return (loss - mean) / deviation;
}

void OutlierDetector::remember(double loss) {
    if (std::isfinite(loss)) m_losses[m_count++ % kWindow] = loss;
}

std::vector<double> OutlierDetector::recent() const {
    std::vector<double> losses;
    for (size_t i = m_count - std::min(m_count, kWindow); i < m_count; ++i) {
        losses.push_back(m_losses[i % kWindow]);
    }
    return losses;
}

}  // namespace dayrun::core
