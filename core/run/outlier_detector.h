// How unusual a step's loss is beside the steps before it, so that a spike can be found in a run of
// many thousand steps. Lives on the run thread.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace dayrun::core {

class OutlierDetector {
  public:
    /// (loss - mean) / standard deviation of the up to 64 finite losses before it; 0 for the first
    /// eight, for equal losses and for a loss that is not finite. Then remembers the loss.
    double z_score(double loss);
    /// Remembers a loss without a score; one that is not finite is left out.
    void remember(double loss);
    /// The losses remembered, oldest first; given to remember() in this order, all is as before.
    std::vector<double> recent() const;

  private:
    static constexpr size_t kWindow = 64;
    static constexpr size_t kLeast = 8;

    std::array<double, kWindow> m_losses{};
    size_t m_count = 0;
};

}  // namespace dayrun::core
