// Curves made of many points, thinned to what a chart can show. Neighbours: run_query.h reads them
// from the records; a live chart decimates its own. Plain functions: any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace dayrun::core {

/// Points of a curve; x rises.
struct Series {
    std::vector<double> x;
    std::vector<double> y;
};

/// A column of step_metric that can be drawn.
enum class StepColumn {
    Loss,
    LossZ,
    GradNorm,
    LearningRate,
    TargetTokens,
    TokensPerSecond,
    StepMs,
    DataWaitMs,
    DeviceBytesPeak
};
std::string_view to_string(StepColumn column);  // the column's name: "loss"

/// What the x axis counts.
enum class SeriesAxis { Step, Epoch, TrainedTokens, WallSeconds, DeviceSeconds };

/// The least and the greatest point of each of `columns` equal parts of the x range, in order of x,
/// plus the first and the last point: at most 2 * columns + 2 points. Non-finite y are left out.
Series decimate(std::span<const double> x, std::span<const double> y, size_t columns);

}  // namespace dayrun::core
