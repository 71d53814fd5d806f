// Where an export goes: into a folder that is its own, whole or not at all. Files are made in a
// folder inside the target and moved in once all of them are there; dayrun_export.json lists what
// an export wrote, so that a later one replaces that and nothing else. Neighbours: merge.h,
// nf4_export.h and model_files.h make the files. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/temporary.h"

namespace dayrun::core {

struct ExportFolderRequest {
    std::filesystem::path out = {};                   // made when missing
    std::vector<std::filesystem::path> files = {};    // what will be written, relative to `out`
    std::vector<std::filesystem::path> sources = {};  // the folders that are read: base, adapter
    bool force = false;  // --force: files of the same names are replaced whoever wrote them
};

class ExportFolder {
  public:
    /// BadUsage when the target is a file, lies in a folder that is read (also with `force`), is or
    /// lies where a project keeps its own, contains a folder that is read, holds a file that no
    /// export wrote, or one that a link in a folder that is read leads to (also with `force`).
    /// Links count as what they lead to. DatabaseBusy while another export fills it. Sweeps what
    /// killed exports left there.
    static Result<std::unique_ptr<ExportFolder>> open(ExportFolderRequest request);
    ExportFolder(const ExportFolder&) = delete;
    ExportFolder& operator=(const ExportFolder&) = delete;
    /// Removes what was not published, and the target where it was made for nothing.
    ~ExportFolder();

    /// Where the files are to be made.
    const std::filesystem::path& staging() const { return m_staging->path(); }
    /// Moves what is in staging() to the target and removes what an earlier export wrote and this
    /// one did not (never with `force`). The files that make a folder one to open (config.json,
    /// adapter_config.json) go first and come last, so that a mixture of two exports is never
    /// opened. May be called again for files made later.
    Result<void> publish();

  private:
    /// What of a file's stamp a move keeps: whether it is still the one that was written.
    struct Stamp {
        int64_t bytes = 0;
        int64_t modified_ns = 0;
        bool operator==(const Stamp&) const = default;
    };
    using Written = std::multimap<std::string, Stamp>;  // by name relative to the target

    explicit ExportFolder(ExportFolderRequest request);
    Result<void> check_place() const;
    Result<void> check_content();
    Result<void> check_alone() const;
    Result<void> check_file(const std::string& name) const;
    Result<void> read_list();
    Result<void> write_list() const;
    Result<void> move_in(const std::string& name) const;
    void remove_stale();
    bool is_own(const std::string& name) const;
    /// Nothing when it is no file, or a link to one.
    static std::optional<Stamp> read_stamp(const std::filesystem::path& file);

    ExportFolderRequest m_request;
    std::filesystem::path m_target;      // canonical
    std::optional<Temporary> m_staging;  // a folder inside the target
    Written m_written;                   // by this and earlier exports, as listed
    std::set<std::string> m_published;   // by this one
    bool m_has_list = false;
    bool m_made_target = false;
};

}  // namespace dayrun::core
