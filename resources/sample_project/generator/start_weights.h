// The untrained base model: config.json and random float32 weights in the Hugging Face layout, from
// which Dayrun trains with `adapter.method: full`. Beside it: main.cpp.
#pragma once

#include <cstdint>
#include <string>

namespace dayrun::sample_generator {

struct ModelShape {
    int vocabulary = 1024;
    int hidden = 128;
    int intermediate = 352;
    int layers = 6;
    int heads = 4;
    int positions = 512;
};

std::string config_text(const ModelShape& shape);

// The bytes of model.safetensors. Norms are one; matrices are normal with a standard deviation of
// 1/sqrt(inputs), those that write into the residual stream are divided by sqrt(2 * layers) more.
std::string start_weights(const ModelShape& shape, std::uint64_t seed);

}  // namespace dayrun::sample_generator
