// A small random base in a folder, and rows for it, without files from elsewhere: what the engine's
// checks train on a GPU machine. Neighbour: check_engine.cpp. Main thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/compile/packing/packed.h"
#include "core/engine/engine.h"
#include "core/recipe/recipe.h"

namespace dayrun::tests {

struct TinyBase {
    std::string architecture = "LlamaForCausalLM";
    std::string model_type = "llama";
    std::string dtype = "bfloat16";
    int64_t vocab = 512, hidden = 256, intermediate = 704, layers = 3, heads = 4, kv_heads = 2,
            head_dim = 64, window = 0;
};

/// Writes config.json, and the weights that a full training from random values begins with.
/// Throws std::runtime_error with the reason.
void write_tiny_base(const std::filesystem::path& folder, const TinyBase& base);
/// An engine on the device, prepared. Throws a Fault with the reason.
std::unique_ptr<core::Engine> open_engine(core::Device device, const core::Recipe& recipe);
core::Recipe lora_recipe_of(const std::filesystem::path& folder, int rank = 8);
/// A packed micro-batch of documents of these lengths, with about a third of the labels masked.
core::PackedBatch random_batch(const std::vector<int64_t>& lengths, int64_t vocab, uint64_t seed);

}  // namespace dayrun::tests
