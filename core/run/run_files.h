// The folder of one run: frozen recipe, checkpoints, adapter, report. Every folder in it is either
// whole or not there (core/base/atomic_folder.h).
// Lives on the run thread. Neighbour: validation.cpp and trainer.cpp decide when to save.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/atomic_folder.h"
#include "core/base/result.h"
#include "core/base/temporary.h"

namespace dayrun::core {

class RunFiles {
  public:
    explicit RunFiles(std::filesystem::path folder) : m_folder(std::move(folder)) {}

    const std::filesystem::path& folder() const { return m_folder; }
    std::filesystem::path recipe() const { return m_folder / "recipe.yaml"; }
    /// Which rows of which files the run learns from, and what became of the others.
    std::filesystem::path manifest() const { return m_folder / "manifest.json"; }
    /// What the base model is (to_json(BaseFingerprint)).
    std::filesystem::path base() const { return m_folder / "base.json"; }
    std::filesystem::path data_report() const { return m_folder / "data.json"; }
    std::filesystem::path report() const { return m_folder / "report.md"; }
    std::filesystem::path adapter() const { return m_folder / "adapter"; }
    std::filesystem::path checkpoints() const { return m_folder / "checkpoints"; }
    std::filesystem::path checkpoint(std::string_view name) const { return checkpoints() / name; }

    /// Makes the folder; DiskFull names it when it cannot be written.
    Result<void> create(std::string_view recipe_yaml);
    /// Removes what a dead Dayrun left half-written, and puts back what it had moved aside. The
    /// caller holds the project's lock, and nothing of this run is being written.
    Leftovers sweep();
    /// Makes or replaces checkpoints/NAME with what `write` puts there. Returns its bytes.
    Result<int64_t> save_checkpoint(std::string_view name, const FolderWriter& write);
    /// Makes checkpoints/NAME the run's adapter/, sharing the bytes where the disk can.
    Result<void> publish(std::string_view name);
    /// The resume points, newest first: checkpoints/step- and eight digits, with the seal in it
    /// that is written last. Anything else is not there.
    std::vector<std::filesystem::path> resume_points() const;
    /// Folders with such a name and no seal: somebody has removed a part of them.
    std::vector<std::filesystem::path> unsealed_points() const;
    /// Puts checkpoints/best into a resume point's folder, sharing the bytes where the disk can.
    Result<void> keep_best_in(const std::filesystem::path& point) const;
    /// The same back, so that the best adapter is again the one of that moment; false when it had
    /// none.
    Result<bool> restore_best_from(const std::filesystem::path& point);
    /// Deletes the oldest resume points beyond the newest `keep`, of which there is at least one.
    void prune(int64_t keep);
    /// Deletes adapter and checkpoints (Discard).
    void remove_results();

  private:
    std::vector<std::filesystem::path> points(bool sealed) const;

    std::filesystem::path m_folder;
};

}  // namespace dayrun::core
