// How fast a run goes and how long it still takes: a median of warm steps, which one slow step
// cannot move, plus measured validations and saves. Lives on the run thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dayrun::core {

class RunPace {
  public:
    void add_step(double duration_s);
    void add_eval(double duration_s);
    void add_save(double duration_s);
    /// What a resume point remembers: of the steps only their sum, since another machine or other
    /// threads may go on.
    struct Memory {
        double device_s = 0;
        double eval_s = 0;
        double save_s = 0;
    };
    void restore(const Memory& memory);

    /// Median of the last up to 65 steps; the first two of a run warm up caches and do not count
    /// once there are others. 0 before the first step.
    double step_s() const;
    /// The last measured validation and save: what an ending still needs.
    double eval_s() const { return m_eval_s; }
    double save_s() const { return m_save_s; }
    /// Seconds until the run is finished.
    double eta_s(int64_t remaining_steps, int64_t remaining_evals) const;
    /// Seconds spent in steps and validations so far.
    double device_s() const { return m_device_s; }

  private:
    static constexpr size_t kWindow = 65;
    static constexpr size_t kWarmUp = 2;

    std::array<double, kWindow> m_steps{};
    size_t m_count = 0;
    double m_eval_s = 0;
    double m_save_s = 0;
    double m_device_s = 0;
};

}  // namespace dayrun::core
