// Reading and comparing a run's record of its base. Neighbour: base_record.h.
#include "core/run/resume/base_record.h"

#include <fmt/format.h>

#include "core/base/atomic_file.h"

namespace dayrun::core {

Result<RecordedBase> recorded_base(const std::filesystem::path& file,
                                   const std::string& sealed_sha256) {
    RecordedBase recorded{.sha256 = sealed_sha256, .base = {}};
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return recorded;
    TRY(text, read_file(file));
    Result<BaseFingerprint> base = parse_fingerprint(text, file.string());
    if (sealed_sha256.empty()) {
        if (!base.ok()) return std::move(base).error();
        recorded.sha256 = base->sha256();
    }
    // A record that is not what the resume point was sealed with explains nothing.
    if (base.ok() && base->sha256() == recorded.sha256) recorded.base = std::move(base).value();
    return recorded;
}

Result<void> check_same_base(const RecordedBase& recorded, const BaseFingerprint& base,
                             const std::string& run_id) {
    if (recorded.sha256.empty() || recorded.sha256 == base.sha256()) return {};
    const std::string how = recorded.base ? ": " + difference(*recorded.base, base) : std::string();
    return Error{.code = ErrorCode::BadModel,
                 .message = fmt::format("The base model of run {} has changed since it began{}.",
                                        run_id, how),
                 .hint = "Restore the model's files, or start a new run without --continue."};
}

}  // namespace dayrun::core
