// A resume point: the folder checkpoints/step-… from which `--continue` goes on as if nothing had
// been. It holds the adapter, the engine's state, the best adapter of its moment and progress.json,
// which also names recipe, data and the hash of every file, so that a point of another run, of
// changed data or with a damaged file is told and not trained on.
// Lives on the run thread. Neighbours: trainer.cpp writes points, active_run.cpp goes on from them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/run/progress/progress.h"

namespace dayrun::core {

/// What a run must have in common with its resume point.
struct RunFingerprint {
    std::string recipe_sha256;  // of the run's frozen recipe.yaml
    std::string data_sha256;    // CompiledData's
    std::string tokens_sha256;  // CompiledData's; empty in points of older versions
    std::string base_sha256;    // BaseFingerprint's; empty in points of older versions
};

struct ResumePoint {
    std::filesystem::path folder;
    RunFingerprint fingerprint;
    RunProgress progress;  // its clock stands at the moment of the saving, the pause included
};

/// Writes progress.json into a folder that holds everything else already.
Result<void> seal_resume_point(const std::filesystem::path& folder, const RunProgress& progress,
                               const RunFingerprint& fingerprint);

/// Whether the folder was sealed; what is in it is read_resume_point()'s to tell.
bool is_sealed(const std::filesystem::path& folder);

/// Reads a sealed folder and checks every file of it: FileMissing or FileDamaged with the file.
Result<ResumePoint> read_resume_point(const std::filesystem::path& folder);

/// The newest intact resume point among the folders given, newest first.
struct FoundResumePoint {
    std::optional<ResumePoint> point;   // empty when there is no folder at all
    std::vector<std::string> warnings;  // newer ones that are damaged
};
/// FileDamaged when there are folders but none is intact.
Result<FoundResumePoint> find_resume_point(const std::vector<std::filesystem::path>& folders);

}  // namespace dayrun::core
