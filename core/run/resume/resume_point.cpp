// Sealing and checking resume points. Neighbour: resume_point.h. Lives on the run thread.
#include "core/run/resume/resume_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/units.h"
#include "core/events/event_json.h"

namespace dayrun::core {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSealName = "progress.json";
// The file's own hash is its last field, over all that stands before it.
constexpr std::string_view kSelfHash = ",\"sha256\":\"";

Error damaged(const fs::path& path, std::string_view reason) {
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("The resume point {} is damaged: {}.",
                                   path.parent_path().string(), reason),
            .hint = "Delete that folder to go on from an older point or from the beginning."};
}

// Names relative to the folder, in order.
std::vector<std::string> files_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
        if (!entry.is_regular_file(ignored)) continue;
        const std::string name = entry.path().lexically_relative(folder).generic_string();
        if (name != kSealName) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> check_file(const fs::path& folder, const nlohmann::json& entry) {
    const auto name = entry.at("name").get<std::string>();
    const fs::path path = folder / name;
    std::error_code failed;
    const auto bytes = fs::file_size(path, failed);
    if (failed) return damaged(folder / kSealName, fmt::format("{} is missing", name));
    if (bytes != entry.at("bytes").get<uint64_t>()) {
        return damaged(folder / kSealName, fmt::format("{} has {} bytes and not {}", name, bytes,
                                                       entry.at("bytes").get<uint64_t>()));
    }
    TRY(sha256, sha256_file(path));
    if (sha256 == entry.at("sha256").get<std::string>()) return {};
    return damaged(folder / kSealName, fmt::format("the bytes of {} have changed", name));
}

Result<ResumePoint> point_of(const fs::path& folder, const nlohmann::json& json) {
    for (const auto& entry : json.at("files")) TRY_VOID(check_file(folder, entry));
    ResumePoint point{.folder = folder, .fingerprint = {}, .progress = {}};
    json.at("recipe_sha256").get_to(point.fingerprint.recipe_sha256);
    json.at("data_sha256").get_to(point.fingerprint.data_sha256);
    for (const auto& [key, field] : {std::pair("tokens_sha256", &point.fingerprint.tokens_sha256),
                                     std::pair("base_sha256", &point.fingerprint.base_sha256)}) {
        if (json.contains(key)) json.at(key).get_to(*field);
    }
    TRY(progress, parse_progress(json.at("progress").dump()));
    point.progress = std::move(progress);
    point.progress.clock.paused_s +=
        std::max(0.0, unix_time_s() - json.at("saved_at").get<double>());
    return point;
}

}  // namespace

Result<void> seal_resume_point(const fs::path& folder, const RunProgress& progress,
                               const RunFingerprint& fingerprint) {
    std::string files;
    for (const std::string& name : files_in(folder)) {
        std::error_code ignored;
        TRY(sha256, sha256_file(folder / name));
        files += fmt::format("{}{{\"name\":{},\"bytes\":{},\"sha256\":\"{}\"}}",
                             files.empty() ? "" : ",", json_string(name),
                             fs::file_size(folder / name, ignored), sha256);
    }
    std::string text = fmt::format(
        "{{\"format\":1,\"saved_at\":{},\"recipe_sha256\":\"{}\",\"data_sha256\":\"{}\","
        "\"tokens_sha256\":\"{}\",\"base_sha256\":\"{}\",\"progress\":{},\"files\":[{}]",
        shortest(unix_time_s()), fingerprint.recipe_sha256, fingerprint.data_sha256,
        fingerprint.tokens_sha256, fingerprint.base_sha256, progress_json(progress), files);
    const std::string own = sha256_hex(text);
    text += fmt::format("{}{}\"}}\n", kSelfHash, own);
    return write_file(folder / kSealName, text);
}

bool is_sealed(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_regular_file(folder / kSealName, ignored);
}

Result<ResumePoint> read_resume_point(const fs::path& folder) {
    const fs::path path = folder / kSealName;
    TRY(text, read_file(path));
    const size_t end = text.rfind(kSelfHash);
    if (end == std::string::npos ||
        text.substr(end) != fmt::format("{}{}\"}}\n", kSelfHash,
                                        sha256_hex(std::string_view(text).substr(0, end)))) {
        return damaged(path, "progress.json is not what was written");
    }
    try {
        return point_of(folder, nlohmann::json::parse(text));
    } catch (const nlohmann::json::exception& failure) {
        Error error = damaged(path, "progress.json lacks a field");
        error.detail = failure.what();
        return error;
    }
}

Result<FoundResumePoint> find_resume_point(const std::vector<fs::path>& folders) {
    FoundResumePoint found;
    std::optional<Error> newest_fault;
    for (const fs::path& folder : folders) {
        Result<ResumePoint> point = read_resume_point(folder);
        if (point.ok()) {
            found.point = std::move(point).value();
            return found;
        }
        found.warnings.push_back(point.error().message);
        if (!newest_fault) newest_fault = std::move(point).error();
    }
    if (newest_fault) return *std::move(newest_fault);
    return found;
}

}  // namespace dayrun::core
