// Choosing and printing plans. Layers of a model are alike but for what is adapted, so a plan is
// four runs of layers, from the leanest at the beginning to the fullest at the end; all divisions
// into such runs are tried. Neighbour: activation_plan.h.
#include "core/plan/memory/activation_plan.h"

#include <fmt/format.h>

#include <limits>

namespace dayrun::core {

namespace {

/// Sums of a choice over the layers [0, i), by Keep.
struct Prefix {
    std::array<std::vector<int64_t>, kKeepCount> bytes;
    std::array<std::vector<double>, kKeepCount> cost;

    explicit Prefix(const std::vector<LayerChoice>& layers) {
        for (size_t keep = 0; keep < kKeepCount; ++keep) {
            bytes[keep].push_back(0);
            cost[keep].push_back(0);
            for (const LayerChoice& layer : layers) {
                bytes[keep].push_back(bytes[keep].back() + layer.bytes[keep]);
                cost[keep].push_back(cost[keep].back() + layer.cost[keep]);
            }
        }
    }
    int64_t bytes_of(Keep keep, size_t begin, size_t end) const {
        const auto& sums = bytes[static_cast<size_t>(keep)];
        return sums[end] - sums[begin];
    }
    double cost_of(Keep keep, size_t begin, size_t end) const {
        const auto& sums = cost[static_cast<size_t>(keep)];
        return sums[end] - sums[begin];
    }
};

/// Where the runs end: [0, lean) is the leanest, then InputOnly, DropGateUp, Everything.
struct Runs {
    size_t lean = 0, input = 0, drop = 0;
};

ActivationPlan plan_of(const Runs& runs, size_t layers) {
    ActivationPlan plan(layers, Keep::Everything);
    for (size_t i = 0; i < layers; ++i) {
        if (i < runs.lean) {
            plan[i] = Keep::Offload;
        } else if (i < runs.input) {
            plan[i] = Keep::InputOnly;
        } else if (i < runs.drop) {
            plan[i] = Keep::DropGateUp;
        }
    }
    return plan;
}

// What one layer does, then what several do.
std::string_view deed(Keep keep, bool is_one) {
    constexpr std::array<std::array<std::string_view, 2>, kKeepCount> kDeeds = {
        {{"keeps everything", "keep everything"},
         {"drops gate and up", "drop gate and up"},
         {"keeps its input", "keep their input"},
         {"keeps its input on the host", "keep their input on the host"}}};
    return kDeeds[static_cast<size_t>(keep)][is_one ? 0 : 1];
}

}  // namespace

std::string_view to_string(Keep keep) {
    constexpr std::array<std::string_view, kKeepCount> kNames = {"everything", "drop gate and up",
                                                                 "input only", "offload"};
    return kNames[static_cast<size_t>(keep)];
}

std::string plan_text(const ActivationPlan& plan) {
    std::string text;
    for (size_t begin = 0; begin < plan.size();) {
        size_t end = begin + 1;
        while (end < plan.size() && plan[end] == plan[begin]) ++end;
        const bool is_one = end - begin == 1;
        const std::string range = is_one ? fmt::format("layer {}", begin + 1)
                                         : fmt::format("layers {}-{}", begin + 1, end);
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", range, deed(plan[begin], is_one));
        begin = end;
    }
    return text;
}

ActivationPlan choose_plan(const std::vector<LayerChoice>& layers, int64_t budget_bytes,
                           Offloading offloading) {
    const size_t count = layers.size();
    const Prefix sums(layers);
    const size_t most_lean = offloading == Offloading::Never ? 0 : count;
    for (size_t lean = 0; lean <= most_lean; ++lean) {
        double least_cost = std::numeric_limits<double>::infinity();
        int64_t fewest_bytes = 0;
        Runs best;
        for (size_t input = lean; input <= count; ++input) {
            for (size_t drop = input; drop <= count; ++drop) {
                const int64_t bytes = sums.bytes_of(Keep::Offload, 0, lean) +
                                      sums.bytes_of(Keep::InputOnly, lean, input) +
                                      sums.bytes_of(Keep::DropGateUp, input, drop) +
                                      sums.bytes_of(Keep::Everything, drop, count);
                if (bytes > budget_bytes) continue;
                const double cost = sums.cost_of(Keep::Offload, 0, lean) +
                                    sums.cost_of(Keep::InputOnly, lean, input) +
                                    sums.cost_of(Keep::DropGateUp, input, drop) +
                                    sums.cost_of(Keep::Everything, drop, count);
                if (cost > least_cost || (cost == least_cost && bytes >= fewest_bytes)) continue;
                least_cost = cost;
                fewest_bytes = bytes;
                best = {lean, input, drop};
            }
        }
        if (least_cost != std::numeric_limits<double>::infinity()) return plan_of(best, count);
    }
    return plan_of({most_lean, count, count}, count);
}

int64_t kept_bytes(const std::vector<LayerChoice>& layers, const ActivationPlan& plan) {
    int64_t sum = 0;
    for (size_t i = 0; i < layers.size(); ++i) sum += layers[i].bytes[static_cast<size_t>(plan[i])];
    return sum;
}

double recompute_cost(const std::vector<LayerChoice>& layers, const ActivationPlan& plan) {
    double sum = 0;
    for (size_t i = 0; i < layers.size(); ++i) sum += layers[i].cost[static_cast<size_t>(plan[i])];
    return sum;
}

}  // namespace dayrun::core
