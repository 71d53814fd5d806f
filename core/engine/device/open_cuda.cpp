// The plug-in's door from this side. Neighbour: open_cuda.h.
#include "core/engine/device/open_cuda.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "core/base/units.h"
#include "core/device/cuda_probe.h"
#include "core/engine/device/cuda_plugin.h"

namespace dayrun::engine {
namespace {

void warn(const char* sentence) {
    std::fprintf(stderr, "%s\n", sentence);
}

core::Error opening_error(CudaOpening opening, const core::CudaDevice& card, int64_t max_bytes,
                          const char* reason) {
    if (opening == CudaOpening::OutOfMemory) {
        const std::string limit =
            max_bytes > 0 ? fmt::format(" under the limit of {}", core::format_bytes(max_bytes))
                          : std::string();
        return {.code = core::ErrorCode::OutOfGpuMemory,
                .message =
                    fmt::format("cuda:{} ({}) has too little free memory{}: {} of {} free.",
                                card.index, card.name, limit, core::format_bytes(card.free_bytes),
                                core::format_bytes(card.total_bytes)),
                .hint = "Close other programs on the card, or raise budget.max_device_bytes.",
                .detail = reason};
    }
    return {
        .code = opening == CudaOpening::NoDevice ? core::ErrorCode::NoGpu
                                                 : core::ErrorCode::KernelFailed,
        .message = fmt::format("cuda:{} ({}) cannot be used: {}.", card.index, card.name, reason),
        .hint = "Look at `dayrun doctor`, or use --device cpu.",
        .detail = reason};
}

}  // namespace

core::Result<std::unique_ptr<Accelerator>> open_cuda(const core::Device& device,
                                                     const core::Recipe& recipe) {
    TRY(card, core::usable_cuda_device(device.index));
    TRY(symbol, core::cuda_plugin_symbol(DAYRUN_CUDA_OPEN_SYMBOL));
    const auto open = reinterpret_cast<DayrunCudaOpenFunction>(symbol);
    Accelerator* opened = nullptr;
    std::array<char, 512> reason{};
    const CudaOptions options{.device = device.index,
                              .max_bytes = recipe.budget.max_device_bytes.value_or(0),
                              .deterministic = recipe.batch.deterministic,
                              .warn = &warn};
    const CudaOpening opening = open(options, &opened, reason.data(), reason.size());
    if (opening == CudaOpening::Opened) return std::unique_ptr<Accelerator>(opened);
    return opening_error(opening, card, options.max_bytes, reason.data());
}

}  // namespace dayrun::engine
