// Products of MKL and oneDNN as libtorch carries them. Neighbours: torch_plugin.h has the shapes
// and promises, linear/gemm.cpp chooses among them. Any thread; no torch here.
#pragma once

#include "core/engine/device/torch_plugin.h"

namespace dayrun::engine {

void torch_product_f32(const BlasProduct& product);
void torch_product_bf16(const BlasProduct& product);
TorchOutcome torch_product_onednn(const Product& product, char* error, size_t error_size);

}  // namespace dayrun::engine
