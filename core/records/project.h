// A project folder (contracts.md section 4): project.sqlite, recipes/, runs/, cache/, and the lock
// that keeps a second Dayrun from writing to it. Neighbours: run_store.h writes, run_query.h reads.
// Made and destroyed on one thread; the const functions may be called from any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/records/run_query.h"
#include "core/records/run_store.h"

namespace dayrun::core {

enum class ProjectAccess {
    ReadWrite,  // takes the lock: one Dayrun at a time
    ReadOnly,   // `dayrun runs`, `show`, `compare`: also while another Dayrun runs
};

class Project {
  public:
    /// Opens an existing project. DatabaseBusy when another Dayrun writes to it, FileMissing when
    /// there is none, DiskFull when the folder cannot be written, FileDamaged for a broken file.
    /// Opening for writing applies migrations and marks runs that a crash cut off as interrupted.
    static Result<std::unique_ptr<Project>> open(const std::filesystem::path& folder,
                                                 ProjectAccess access = ProjectAccess::ReadWrite);
    /// Opens for writing, making the folder and what belongs in it where they are missing.
    static Result<std::unique_ptr<Project>> open_or_create(const std::filesystem::path& folder);
    /// Whether the folder holds a project.sqlite.
    static bool is_project(const std::filesystem::path& folder);

    Project(const Project&) = delete;
    Project& operator=(const Project&) = delete;
    /// Commits every record still on its way, then gives the lock back.
    ~Project();

    const std::filesystem::path& folder() const { return m_folder; }  // absolute
    std::filesystem::path recipes_folder() const { return m_folder / "recipes"; }
    std::filesystem::path runs_folder() const { return m_folder / "runs"; }
    std::filesystem::path cache_folder() const { return m_folder / "cache"; }
    std::filesystem::path run_folder(const std::string& run_id) const {
        return runs_folder() / run_id;
    }
    /// A path inside the project as records write it: relative to the folder, with slashes.
    std::string relative(const std::filesystem::path& path) const;

    /// The one writer of this project. A programmer's fault when opened read-only.
    RunStore& store();
    /// A reader with its own connection; make one per thread.
    Result<RunQuery> query() const;

  private:
    Project(std::filesystem::path folder, ProjectAccess access);
    bool is_locked() const;

    std::filesystem::path m_folder;
    ProjectAccess m_access;
    int m_lock_descriptor = -1;
    std::unique_ptr<RunStore> m_store;
};

}  // namespace dayrun::core
