// The folder of one run: frozen recipe, checkpoints, adapter, report. Every folder in it is either
// whole or not there: it is written under another name, flushed and then swapped in.
// Lives on the run thread. Neighbour: validation.cpp and trainer.cpp decide when to save.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

/// Writes what belongs into an empty folder.
using FolderWriter = std::function<Result<void>(const std::filesystem::path& folder)>;

/// Puts `fresh` in the place of `target`, which may exist; at no moment is neither of them there.
Result<void> replace_folder(const std::filesystem::path& fresh,
                            const std::filesystem::path& target);
/// Sum of the sizes of the files in a folder.
int64_t folder_bytes(const std::filesystem::path& folder);

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
    /// Makes or replaces checkpoints/NAME with what `write` puts there. Returns its bytes.
    Result<int64_t> save_checkpoint(std::string_view name, const FolderWriter& write);
    /// Makes checkpoints/NAME the run's adapter/, sharing the bytes where the disk can.
    Result<void> publish(std::string_view name);
    /// The resume points checkpoints/step-…, newest first.
    std::vector<std::filesystem::path> resume_points() const;
    /// Puts checkpoints/best into a resume point's folder, sharing the bytes where the disk can.
    Result<void> keep_best_in(const std::filesystem::path& point) const;
    /// The same back, so that the best adapter is again the one of that moment; false when it had
    /// none.
    Result<bool> restore_best_from(const std::filesystem::path& point);
    /// Deletes the oldest checkpoints/step-… beyond the newest `keep`, and unfinished leftovers.
    void prune(int64_t keep);
    /// Deletes adapter and checkpoints (Discard).
    void remove_results();

  private:
    std::filesystem::path m_folder;
};

}  // namespace dayrun::core
