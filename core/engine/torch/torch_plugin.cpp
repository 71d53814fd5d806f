// The table's other side: which function stands for which. Neighbours: torch_products.h,
// torch_memory.h.
#include "core/engine/device/torch_plugin.h"

#include <ATen/Config.h>
#include <torch/headeronly/version.h>

#include <cstdio>

#include "core/engine/torch/torch_memory.h"
#include "core/engine/torch/torch_products.h"

namespace dayrun::engine {
namespace {

TorchTable make_table() {
    static char s_version[64];
    std::snprintf(s_version, sizeof(s_version), "%s (%s, %s)", TORCH_VERSION,
                  AT_MKL_ENABLED() ? "MKL" : "no MKL",
                  AT_MKLDNN_ENABLED() ? "oneDNN" : "no oneDNN");
    return {.version = s_version,
            .product_f32 = &torch_product_f32,
            .product_bf16 = &torch_product_bf16,
            .product_onednn = &torch_product_onednn,
            .allocate = &torch_allocate,
            .release = &torch_release};
}

}  // namespace
}  // namespace dayrun::engine

extern "C" __attribute__((visibility("default"))) const dayrun::engine::TorchTable*
dayrun_torch_open(const dayrun::engine::TorchHost& host) {
    static const dayrun::engine::TorchTable s_table = dayrun::engine::make_table();
    dayrun::engine::count_torch_allocations(host);
    return &s_table;
}
