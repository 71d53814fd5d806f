// The options that choose NF4 on the command line, the same for every command that opens a base.
// Neighbours: commands/model.cpp, commands/export.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/recipe/recipe.h"

namespace dayrun::app {

struct QuantizationOptions {
    std::string base = "none";
    bool is_double = true;
    int block_size = 64;

    bool is_nf4() const { return base == "nf4"; }
    core::QuantizationSpec spec() const {
        return {.base = is_nf4() ? core::BaseQuantization::Nf4 : core::BaseQuantization::None,
                .double_quant = is_double,
                .block_size = block_size};
    }
    void add_to(CLI::App& command) {
        command
            .add_option("--quantization", base,
                        "nf4 holds the linear weights in 4 bits (kept beside the model)")
            ->check(CLI::IsMember({"none", "nf4"}))
            ->capture_default_str();
        command.add_option("--double-quantization", is_double, "Quantize the NF4 constants too")
            ->capture_default_str();
        command.add_option("--block-size", block_size, "NF4 weights that share one constant")
            ->check(CLI::IsMember({32, 64, 128, 256, 512, 1024, 2048, 4096}))
            ->capture_default_str();
    }
};

}  // namespace dayrun::app
