// The activation plan: how much of each layer stays in memory between its forward and its backward.
// What is dropped is made again by the same calls on the same rows, so every plan gives the same
// bits; a plan only trades memory against recomputation. Neighbours: layer_memory.h knows the
// bytes, core/engine/decoder follows the plan. Plain values: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

/// From the most memory to the least; a value that a plan keeps is kept by all before it.
enum class Keep : int {
    Everything,  // all that the backward reads
    DropGateUp,  // all but gate and up, which are the widest
    InputOnly,   // the layer's input
    Offload,     // the layer's input, and that in the host's memory; for devices only
};
constexpr int kKeepCount = 4;
std::string_view to_string(Keep keep);

/// One entry a layer, from the first to the last.
using ActivationPlan = std::vector<Keep>;

/// "layers 1-20 keep their input, layers 21-32 keep everything": numbered from 1, for people.
std::string plan_text(const ActivationPlan& plan);

/// What keeping means for one layer. Indexed by Keep.
struct LayerChoice {
    std::array<int64_t, kKeepCount> bytes{};  // on the device, kept until its backward
    std::array<double, kKeepCount> cost{};    // of making again what was dropped, in any unit
};

enum class Offloading { Never, WhenNeeded };

/// The plan with the least recomputation whose kept bytes stay within `budget_bytes`; among equals
/// the one with the fewest bytes. Layers near the end keep the most: their backward comes first.
/// Offloading is only chosen where nothing else fits. When nothing fits, the plan of the fewest
/// bytes is returned.
ActivationPlan choose_plan(const std::vector<LayerChoice>& layers, int64_t budget_bytes,
                           Offloading offloading);

/// Sums over the layers of a plan.
int64_t kept_bytes(const std::vector<LayerChoice>& layers, const ActivationPlan& plan);
double recompute_cost(const std::vector<LayerChoice>& layers, const ActivationPlan& plan);

}  // namespace dayrun::core
