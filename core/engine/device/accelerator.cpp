// The calling thread's accelerator. Neighbour: accelerator.h.
#include "core/engine/device/accelerator.h"

#include <utility>

namespace dayrun::engine {
namespace {

thread_local Accelerator* t_accelerator = nullptr;

}  // namespace

Accelerator* accelerator() {
    return t_accelerator;
}

UseAccelerator::UseAccelerator(Accelerator* device)
    : m_before(std::exchange(t_accelerator, device)),
      m_arena(device != nullptr ? device->arena() : host_arena()) {
    kernels::set_device_queue(device != nullptr ? &device->queue() : nullptr);
}

UseAccelerator::~UseAccelerator() {
    t_accelerator = m_before;
    kernels::set_device_queue(m_before != nullptr ? &m_before->queue() : nullptr);
}

}  // namespace dayrun::engine
