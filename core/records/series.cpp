// Decimation by the least and greatest of each column. Neighbour: run_query.cpp. Any thread.
#include "core/records/series.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace dayrun::core {

std::string_view to_string(StepColumn column) {
    switch (column) {
        case StepColumn::Loss:
            return "loss";
        case StepColumn::LossZ:
            return "loss_z";
        case StepColumn::GradNorm:
            return "grad_norm";
        case StepColumn::LearningRate:
            return "learning_rate";
        case StepColumn::TargetTokens:
            return "target_tokens";
        case StepColumn::TokensPerSecond:
            return "tokens_per_second";
        case StepColumn::StepMs:
            return "step_ms";
        case StepColumn::DataWaitMs:
            return "data_wait_ms";
        case StepColumn::DeviceBytesPeak:
            return "device_bytes_peak";
    }
    return "loss";
}

namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

void append(Series& series, double x, double y) {
    series.x.push_back(x);
    series.y.push_back(y);
}

Series without_holes(std::span<const double> x, std::span<const double> y) {
    Series kept;
    for (size_t i = 0; i < x.size(); ++i) {
        if (std::isfinite(y[i])) append(kept, x[i], y[i]);
    }
    return kept;
}

// The least and the greatest of one column, as indices.
struct Extremes {
    size_t least = kNone;
    size_t greatest = kNone;

    void add(std::span<const double> y, size_t i) {
        if (least == kNone || y[i] < y[least]) least = i;
        if (greatest == kNone || y[i] > y[greatest]) greatest = i;
    }
};

}  // namespace

Series decimate(std::span<const double> x, std::span<const double> y, size_t columns) {
    Series all = without_holes(x, y);
    const size_t count = all.x.size();
    if (columns == 0 || count <= 2 * columns + 2) return all;

    const double begin = all.x.front();
    const double width = (all.x.back() - begin) / static_cast<double>(columns);
    std::vector<Extremes> extremes(columns);
    for (size_t i = 0; i < count; ++i) {
        const double place = width > 0 ? (all.x[i] - begin) / width : 0;
        extremes[std::min(static_cast<size_t>(place), columns - 1)].add(all.y, i);
    }

    Series thinned;
    size_t last = kNone;
    const auto keep = [&](size_t i) {
        if (i == kNone || i == last) return;
        append(thinned, all.x[i], all.y[i]);
        last = i;
    };
    keep(0);
    for (const Extremes& column : extremes) {
        if (column.least == kNone) continue;
        // The first and the last point stand outside; indices only rise, so no point comes twice.
        for (const size_t i :
             {std::min(column.least, column.greatest), std::max(column.least, column.greatest)}) {
            if (i != 0 && i != count - 1) keep(i);
        }
    }
    keep(count - 1);
    return thinned;
}

}  // namespace dayrun::core
