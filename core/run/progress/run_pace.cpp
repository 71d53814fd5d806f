// The median behind the finishing time. Neighbour: trainer.cpp. Lives on the run thread.
#include "core/run/progress/run_pace.h"

#include <algorithm>
#include <vector>

namespace dayrun::core {

void RunPace::add_step(double duration_s) {
    m_device_s += duration_s;
    // The warm-up steps lie in the first places, from where real steps push them out.
    const size_t place = m_count < kWarmUp ? m_count : (m_count - kWarmUp) % kWindow;
    m_steps[place] = duration_s;
    ++m_count;
}

void RunPace::add_eval(double duration_s) {
    m_device_s += duration_s;
    m_eval_s = duration_s;
}

void RunPace::add_save(double duration_s) {
    m_save_s = duration_s;
}

void RunPace::restore(const Memory& memory) {
    m_device_s = memory.device_s;
    m_eval_s = memory.eval_s;
    m_save_s = memory.save_s;
}

double RunPace::step_s() const {
    const size_t warm = m_count > kWarmUp ? m_count - kWarmUp : m_count;
    const size_t known = std::min(warm, kWindow);
    if (known == 0) return 0;
    std::vector<double> sorted(m_steps.begin(),
                               m_steps.begin() + static_cast<std::ptrdiff_t>(known));
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(known / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
}

double RunPace::eta_s(int64_t remaining_steps, int64_t remaining_evals) const {
    return static_cast<double>(remaining_steps) * step_s() +
           static_cast<double>(remaining_evals) * (m_eval_s + m_save_s);
}

}  // namespace dayrun::core
