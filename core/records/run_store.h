// Writes what runs tell into project.sqlite, on a thread of its own. Lossless: a bounded ring of
// 65,536 entries; the producer waits when it is full.
// All functions may be called from any thread. Neighbours: record_writer.h, run_query.h.
#pragma once

#include <filesystem>
#include <memory>
#include <thread>

#include "core/base/result.h"
#include "core/records/record_entry.h"

namespace dayrun::core {

class RunStore {
  public:
    static constexpr size_t kCapacity = 65'536;

    /// Opens the database for writing, applies migrations, marks what a crash cut off as
    /// interrupted and starts the writer thread.
    static Result<std::unique_ptr<RunStore>> open(const std::filesystem::path& database);
    RunStore(const RunStore&) = delete;
    RunStore& operator=(const RunStore&) = delete;
    /// Writes what is left, then ends the thread.
    ~RunStore();

    /// Events, a NewRun (before the run's first event) and the other facts, in order.
    void append(RecordEntry entry);

    /// Waits until everything so far is on the disk; the error when it cannot be, or when since
    /// the last flush an entry came that fits no table.
    Result<void> flush();
    /// Whether the last write failed, without waiting. Its entries are kept and tried again with
    /// the next ones, at flush() and at the end.
    Result<void> health() const;

  private:
    class Ring;
    explicit RunStore(std::unique_ptr<Ring> ring);

    std::unique_ptr<Ring> m_ring;
    std::jthread m_thread;
};

}  // namespace dayrun::core
