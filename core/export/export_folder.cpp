// Body of export_folder.h.
#include "core/export/export_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "core/base/atomic_file.h"
#include "core/base/atomic_folder.h"
#include "core/base/file_stamp.h"
#include "core/records/project.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kList = "dayrun_export.json";
constexpr std::string_view kStaging = ".dayrun-export";
constexpr const char* kOtherFolder = "Choose another folder for the export.";
constexpr const char* kForce =
    "Choose a new or empty folder, or give --force: files of the same names are then replaced, and "
    "nothing else.";

Error refused(std::string message, const char* hint) {
    return {.code = ErrorCode::BadUsage, .message = std::move(message), .hint = hint};
}

fs::path canonical_of(const fs::path& path) {
    std::error_code failed;
    fs::path whole = fs::weakly_canonical(fs::absolute(path, failed), failed);
    if (!whole.has_filename()) whole = whole.parent_path();  // "out/"
    return whole;
}

/// Whether `inner` is `outer` or lies below it; both canonical.
bool is_within(const fs::path& inner, const fs::path& outer) {
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
           outer.end();
}

/// What no export may do to this folder without --force; both are canonical.
Result<void> check_projects(const fs::path& folder) {
    if (Project::is_project(folder)) {
        return refused(fmt::format("'{}' is the folder of a project.", folder.string()), kForce);
    }
    for (fs::path around = folder; around.has_relative_path(); around = around.parent_path()) {
        const bool is_kept = around.filename() == "runs" || around.filename() == "cache";
        if (!is_kept || !Project::is_project(around.parent_path())) continue;
        return refused(
            fmt::format("'{}' lies in '{}', where the project '{}' keeps its own files.",
                        folder.string(), around.filename().string(), around.parent_path().string()),
            kForce);
    }
    return {};
}

/// A name in the list that leads nowhere but below the folder.
bool is_plain(const fs::path& name) {
    return name.is_relative() && !name.empty() &&
           std::none_of(name.begin(), name.end(),
                        [](const fs::path& part) { return part == ".."; });
}

/// Whether a loader needs the file to take a folder for a model or an adapter.
bool opens_a_folder(const std::string& name) {
    const fs::path file = fs::path(name).filename();
    return file == "config.json" || file == "adapter_config.json";
}

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

/// The first entry of a folder that is, or leads to, `file`; empty when none does.
fs::path entry_leading_to(const fs::path& file, const fs::path& folder) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (fs::equivalent(entry.path(), file, ignored)) return entry.path();
    }
    return {};
}

Error cannot_move(const fs::path& path, const std::error_code& reason) {
    return {
        .code = ErrorCode::DiskFull,
        .message = fmt::format("'{}' cannot be put in place: {}.", path.string(), reason.message()),
        .hint = "Check the folder's permissions and export again."};
}

}  // namespace

ExportFolder::ExportFolder(ExportFolderRequest request)
    : m_request(std::move(request)), m_target(canonical_of(m_request.out)) {}

ExportFolder::~ExportFolder() {
    if (!m_staging) return;
    m_staging.reset();
    // Only an empty folder goes.
    if (m_made_target && m_published.empty()) ::rmdir(m_target.c_str());
}

Result<std::unique_ptr<ExportFolder>> ExportFolder::open(ExportFolderRequest request) {
    std::unique_ptr<ExportFolder> folder(new ExportFolder(std::move(request)));
    TRY_VOID(folder->check_place());
    for (const std::string_view name : {kStaging, kList}) {
        remove_leftovers_of(folder->m_target / name);
    }
    TRY_VOID(folder->check_content());
    folder->m_made_target = !is_there(folder->m_target);
    TRY(staging, Temporary::folder(folder->m_target / kStaging));
    folder->m_staging.emplace(std::move(staging));
    TRY_VOID(folder->check_alone());
    return folder;
}

Result<void> ExportFolder::check_place() const {
    std::set<fs::path> folders{m_target};
    for (const fs::path& file : m_request.files) {
        folders.insert(canonical_of(m_target / file.parent_path()));
    }
    std::error_code ignored;
    for (const fs::path& folder : folders) {
        if (is_there(folder) && !fs::is_directory(folder, ignored)) {
            return refused(fmt::format("'{}' is a file.", folder.string()), kOtherFolder);
        }
        for (const fs::path& given : m_request.sources) {
            const fs::path source = canonical_of(given);
            if (is_within(folder, source)) {
                return refused(fmt::format("'{}' lies in '{}', which the export reads.",
                                           folder.string(), source.string()),
                               kOtherFolder);
            }
            if (!m_request.force && is_within(source, folder)) {
                return refused(fmt::format("'{}' holds '{}', which the export reads.",
                                           folder.string(), source.string()),
                               kForce);
            }
        }
        if (!m_request.force) TRY_VOID(check_projects(folder));
        const auto own = stamp_of(m_target), inner = stamp_of(folder);
        if (own && inner && own->device != inner->device) {
            return refused(fmt::format("'{}' lies on another disk than '{}', so that nothing can "
                                       "be moved in whole.",
                                       folder.string(), m_target.string()),
                           kOtherFolder);
        }
    }
    return {};
}

// Leftovers are gone by now: another one is being filled.
Result<void> ExportFolder::check_alone() const {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(m_target, failed)) {
        const bool is_another = entry.path().filename().string().starts_with(kStaging) &&
                                is_temporary(entry.path()) && entry.path() != staging();
        if (!is_another) continue;
        return Error{
            .code = ErrorCode::DatabaseBusy,
            .message = fmt::format("Another export into '{}' is going on.", m_target.string()),
            .hint = "Wait for it, or choose another folder."};
    }
    return {};
}

Result<void> ExportFolder::check_content() {
    TRY_VOID(read_list());
    std::error_code failed;
    if (!m_has_list && !m_request.force) {
        for (const auto& entry : fs::directory_iterator(m_target, failed)) {
            if (entry.path().filename().string().starts_with(kStaging)) continue;
            return refused(fmt::format("'{}' holds '{}' and no export of Dayrun's.",
                                       m_target.string(), entry.path().filename().string()),
                           kForce);
        }
    }
    for (const fs::path& file : m_request.files) TRY_VOID(check_file(file.generic_string()));
    return {};
}

Result<void> ExportFolder::check_file(const std::string& name) const {
    const fs::path file = m_target / name;
    std::error_code ignored;
    if (!is_there(file)) return {};
    // A source may be a folder of links, as the hub's cache is: its files lie elsewhere.
    for (const fs::path& source : m_request.sources) {
        const fs::path entry = entry_leading_to(file, source);
        if (entry.empty()) continue;
        return refused(fmt::format("'{}' is what '{}' leads to, which the export reads.",
                                   file.string(), entry.string()),
                       kOtherFolder);
    }
    if (fs::is_directory(file, ignored)) {
        return refused(fmt::format("'{}' is a folder, where a file is to be.", file.string()),
                       kOtherFolder);
    }
    if (m_request.force || is_own(name)) return {};
    return refused(
        fmt::format("'{}' is not, or no more, what an export wrote there.", file.string()), kForce);
}

std::optional<ExportFolder::Stamp> ExportFolder::read_stamp(const fs::path& file) {
    std::error_code ignored;
    if (!fs::is_regular_file(fs::symlink_status(file, ignored))) return std::nullopt;
    const auto found = stamp_of(file);
    if (!found) return std::nullopt;
    return Stamp{.bytes = found->bytes, .modified_ns = found->modified_ns};
}

bool ExportFolder::is_own(const std::string& name) const {
    const auto now = read_stamp(m_target / name);
    if (!now) return false;
    const auto [begin, end] = m_written.equal_range(name);
    return std::any_of(begin, end, [&](const auto& entry) { return entry.second == *now; });
}

// A list that cannot be read is a stranger's file like any other.
Result<void> ExportFolder::read_list() {
    const fs::path file = m_target / kList;
    if (!is_there(file)) return {};
    TRY(text, read_file(file));
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("files") || !json["files"].is_array()) return {};
    Written written;
    for (const auto& entry : json["files"]) {
        if (!entry.is_object() || !entry.value("name", nlohmann::json()).is_string() ||
            !entry.value("bytes", nlohmann::json()).is_number_integer() ||
            !entry.value("modified_ns", nlohmann::json()).is_number_integer()) {
            return {};
        }
        const auto name = entry["name"].get<std::string>();
        if (!is_plain(name)) return {};
        written.insert(
            {name, {entry["bytes"].get<int64_t>(), entry["modified_ns"].get<int64_t>()}});
    }
    m_written = std::move(written);
    m_has_list = true;
    return {};
}

Result<void> ExportFolder::write_list() const {
    nlohmann::ordered_json files = nlohmann::ordered_json::array();
    for (const auto& [name, stamp] : m_written) {
        files.push_back(
            {{"name", name}, {"bytes", stamp.bytes}, {"modified_ns", stamp.modified_ns}});
    }
    const nlohmann::ordered_json list = {
        {"about", "Files that dayrun export wrote here; the next export replaces these only."},
        {"files", files}};
    return write_file(m_target / kList, list.dump(1) + "\n");
}

Result<void> ExportFolder::move_in(const std::string& name) const {
    const fs::path to = m_target / name;
    TRY_VOID(ensure_folder(to.parent_path()));
    std::error_code failed;
    fs::rename(staging() / name, to, failed);
    if (failed) return cannot_move(to, failed);
    return {};
}

void ExportFolder::remove_stale() {
    std::error_code ignored;
    for (auto entry = m_written.begin(); entry != m_written.end();) {
        const std::string& name = entry->first;
        const bool is_current = read_stamp(m_target / name) == entry->second;
        const bool is_kept = m_published.contains(name) || m_request.force;
        if (is_current && is_kept) {
            ++entry;
            continue;
        }
        if (is_current) {
            fs::remove(m_target / name, ignored);
            // Only an empty folder goes.
            for (fs::path part = fs::path(name).parent_path(); !part.empty();
                 part = part.parent_path()) {
                ::rmdir((m_target / part).c_str());
            }
        }
        entry = m_written.erase(entry);
    }
}

Result<void> ExportFolder::publish() {
    std::vector<std::string> names;
    std::error_code failed;
    for (const auto& entry : fs::recursive_directory_iterator(staging(), failed)) {
        if (entry.is_directory()) continue;
        names.push_back(entry.path().lexically_relative(staging()).generic_string());
    }
    if (failed) return cannot_move(staging(), failed);
    for (const std::string& name : names) {
        TRY_VOID(check_file(name));
        // Copies are not on the disk yet when they are made.
        TRY_VOID(flush_to_disk(staging() / name));
    }
    // Whatever happens from here on, the next export knows the old and the new files as its own.
    for (const std::string& name : names) {
        if (const auto stamp = read_stamp(staging() / name)) m_written.insert({name, *stamp});
    }
    TRY_VOID(write_list());
    const auto opener = std::partition(names.begin(), names.end(),
                                       [](const auto& name) { return !opens_a_folder(name); });
    for (auto name = opener; name != names.end(); ++name) fs::remove(m_target / *name, failed);
    for (const std::string& name : names) {
        TRY_VOID(move_in(name));
        m_published.insert(name);
    }
    remove_stale();
    return write_list();
}

}  // namespace dayrun::core
