// What a run keeps of its base model, in runs/<id>/base.json and by its hash in every resume point,
// and the comparison with what was loaded now. Neighbours: resume_point.h, core/model/
// base_fingerprint.h, active_run.cpp asks when the base is loaded. Lives on the run thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/model/base_fingerprint.h"

namespace dayrun::core {

struct RecordedBase {
    std::string sha256;                   // empty: nothing is known, as in runs of older versions
    std::optional<BaseFingerprint> base;  // says in what another one differs
};

/// What FILE says, and `sealed_sha256`, the resume point's word, which counts where there is one.
/// FileDamaged when the file cannot be read and nothing was sealed.
Result<RecordedBase> recorded_base(const std::filesystem::path& file,
                                   const std::string& sealed_sha256);

/// BadModel that tells how the base of a run has changed since.
Result<void> check_same_base(const RecordedBase& recorded, const BaseFingerprint& base,
                             const std::string& run_id);

}  // namespace dayrun::core
