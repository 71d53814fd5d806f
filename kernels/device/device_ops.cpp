// The calling thread's queue. Neighbour: device_ops.h.
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {
namespace {

thread_local DeviceQueue* t_queue = nullptr;

}  // namespace

void set_device_queue(DeviceQueue* queue) {
    t_queue = queue;
}

DeviceQueue* device_queue() {
    return t_queue;
}

}  // namespace dayrun::kernels
