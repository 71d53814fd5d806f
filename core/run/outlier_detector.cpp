// Mean and deviation over a small window. Neighbour: trainer.cpp. Lives on the run thread.
#include "core/run/outlier_detector.h"

#include <algorithm>
#include <cmath>

namespace dayrun::core {

double OutlierDetector::z_score(double loss) {
    if (!std::isfinite(loss)) return 0;
    const size_t known = std::min(m_count, kWindow);
    double sum = 0;
    for (size_t i = 0; i < known; ++i) sum += m_losses[i];
    const double mean = known > 0 ? sum / static_cast<double>(known) : 0;
    double squares = 0;
    for (size_t i = 0; i < known; ++i) squares += (m_losses[i] - mean) * (m_losses[i] - mean);
    const double deviation = known > 1 ? std::sqrt(squares / static_cast<double>(known - 1)) : 0;

    m_losses[m_count++ % kWindow] = loss;
    if (known < kLeast || deviation <= 0) return 0;
    return (loss - mean) / deviation;
}

}  // namespace dayrun::core
