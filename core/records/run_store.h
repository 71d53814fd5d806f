// Writes what runs tell into project.sqlite, on a thread of its own. Lossless: a bounded ring of
// 65,536 entries; the producer waits when it is full, and the waiting is counted.
// append() and the other functions may be called from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>

#include "core/base/result.h"
#include "core/records/run_record.h"
#include "core/run/run_event.h"

namespace dayrun::core {

class Database;

class RunStore {
  public:
    static constexpr size_t kCapacity = 65'536;

    /// Opens the database for writing, applies migrations and starts the writer thread.
    static Result<std::unique_ptr<RunStore>> open(const std::filesystem::path& database);
    RunStore(const RunStore&) = delete;
    RunStore& operator=(const RunStore&) = delete;
    /// Writes what is left, then ends the thread.
    ~RunStore();

    /// A new row of `run` and its settings. Must come before the run's first event.
    void add_run(RunRecord record, RunSettings settings);
    /// What becomes known while the run prepares: device, data fingerprint, planned steps.
    struct RunFacts {
        std::string run_id;
        std::string device_name;
        std::string data_sha256;
        int64_t total_steps = 0;
    };
    void add_facts(RunFacts facts);
    /// A file the run made: kind is "adapter", "report", "peft", …
    struct Artifact {
        std::string run_id;
        std::string kind;
        std::string path;  // relative to the project folder
        int64_t bytes = 0;
    };
    void add_artifact(Artifact artifact);
    void rename_run(const std::string& run_id, const std::string& name);
    void append(RunEvent event);

    /// Waits until everything so far is on the disk; the error when it cannot be.
    Result<void> flush();
    /// The first write that failed, without waiting; the entries are kept and tried again.
    Result<void> health() const;
    /// Milliseconds producers have waited for room so far.
    double record_wait_ms() const { return m_wait_ms.load(std::memory_order_relaxed); }

  private:
    struct Rename {
        std::string run_id, name;
    };
    struct NewRun {
        RunRecord record;
        RunSettings settings;
    };
    using Entry = std::variant<RunEvent, NewRun, RunFacts, Artifact, Rename>;
    class Writer;

    explicit RunStore(std::unique_ptr<Writer> writer);
    void push(Entry entry);
    void write_until_stopped(const std::stop_token& stop);

    std::unique_ptr<Writer> m_writer;  // used on the writer thread only
    mutable std::mutex m_mutex;
    std::condition_variable_any m_has_entries;
    std::condition_variable_any m_has_room;
    std::deque<Entry> m_entries;
    uint64_t m_pushed = 0;
    uint64_t m_written = 0;
    uint64_t m_attempts = 0;  // commits tried, so that flush() sees a retry fail too
    bool m_flush_wanted = false;
    std::atomic<bool> m_failed{false};
    Error m_error;
    std::atomic<double> m_wait_ms{0.0};
    std::jthread m_thread;
};

}  // namespace dayrun::core
