// The ring between the runs and the writer thread, and that thread's loop. Neighbour:
// record_writer.cpp does the SQL. Lives on the writer thread; append() on the callers'.
#include "core/records/run_store.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/records/migrations.h"
#include "core/records/record_writer.h"

namespace dayrun::core {

/// Bounded, many producers, one consumer. A lock and not atomics: entries are rare beside steps.
class RunStore::Ring {
  public:
    void push(RecordEntry entry) {
        std::unique_lock lock(m_mutex);
        // With a full disk nobody empties the ring; waiting would then hang the run for ever.
        const auto has_room = [&] { return m_entries.size() < kCapacity || m_error.has_value(); };
        m_has_room.wait(lock, has_room);
        if (m_entries.size() >= kCapacity) return;
        m_entries.push_back(std::move(entry));
        ++m_pushed;
        lock.unlock();
        m_has_work.notify_one();
    }

    /// Appends what has come to `pending`, waiting for something to do. False when all is done.
    bool take(std::vector<RecordEntry>& pending, const std::stop_token& stop) {
        std::unique_lock lock(m_mutex);
        m_has_work.wait(lock, stop, [&] { return !m_entries.empty() || m_retry_wanted; });
        if (m_entries.empty() && pending.empty() && stop.stop_requested()) return false;
        pending.insert(pending.end(), std::make_move_iterator(m_entries.begin()),
                       std::make_move_iterator(m_entries.end()));
        m_entries.clear();
        m_retry_wanted = false;
        lock.unlock();
        m_has_room.notify_all();
        return true;
    }

    /// What became of the entries taken: `settled` of them need no further try. A failure with
    /// entries left is the disk's and passes; one without is ours and is told by the next flush.
    void report(size_t settled, size_t left, Result<void> outcome) {
        {
            const std::lock_guard lock(m_mutex);
            m_settled += settled;
            m_error.reset();
            if (!outcome.ok() && left > 0) {
                m_error = std::move(outcome).error();
                ++m_failures;
            } else if (!outcome.ok()) {
                m_fault = std::move(outcome).error();
            }
        }
        m_was_reported.notify_all();
        m_has_room.notify_all();
    }

    Result<void> flush() {
        std::unique_lock lock(m_mutex);
        const uint64_t wanted = m_pushed;
        const uint64_t failures = m_failures;
        m_retry_wanted = true;
        m_has_work.notify_one();
        m_was_reported.wait(lock, [&] { return m_settled >= wanted || m_failures > failures; });
        if (m_settled < wanted) return current_error();
        if (!m_fault) return {};
        return std::exchange(m_fault, std::nullopt).value();
    }

    Result<void> health() const {
        const std::lock_guard lock(m_mutex);
        return current_error();
    }

  private:
    Result<void> current_error() const { return m_error ? Result<void>(*m_error) : Result<void>(); }

    mutable std::mutex m_mutex;
    std::condition_variable_any m_has_work;
    std::condition_variable_any m_has_room;
    std::condition_variable_any m_was_reported;
    std::deque<RecordEntry> m_entries;
    uint64_t m_pushed = 0;
    uint64_t m_settled = 0;
    uint64_t m_failures = 0;
    bool m_retry_wanted = false;
    std::optional<Error> m_error;  // of the disk: entries wait for the next try
    std::optional<Error> m_fault;  // of ours: entries that could never be written
};

namespace {

// An entry that can never be written (a fault of ours, not of the disk) must not hold the others.
// Takes out of `entries` what is settled.
Result<void> write_one_by_one(RecordWriter& writer, std::vector<RecordEntry>& entries) {
    Result<void> outcome;
    size_t settled = 0;
    for (; settled < entries.size(); ++settled) {
        Result<void> one = writer.write({&entries[settled], 1});
        if (one.ok()) continue;
        const bool is_our_fault = one.error().code == ErrorCode::Internal;
        outcome = std::move(one);
        if (!is_our_fault) break;
    }
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(settled));
    return outcome;
}

Result<void> write_what_is_possible(RecordWriter& writer, std::vector<RecordEntry>& entries) {
    Result<void> outcome = writer.write(entries);
    if (outcome.ok()) entries.clear();
    if (outcome.ok() || outcome.error().code != ErrorCode::Internal) return outcome;
    return write_one_by_one(writer, entries);
}

}  // namespace

RunStore::RunStore(std::unique_ptr<Ring> ring) : m_ring(std::move(ring)) {}

Result<std::unique_ptr<RunStore>> RunStore::open(const std::filesystem::path& path) {
    TRY(database, Database::open(path, Database::Mode::ReadWrite));
    TRY_VOID(migrate(*database, migration_scripts()));
    auto writer = std::make_shared<RecordWriter>(std::move(database));
    TRY_VOID(writer->mark_interrupted());
    std::unique_ptr<RunStore> store(new RunStore(std::make_unique<Ring>()));
    store->m_thread = std::jthread([ring = store->m_ring.get(), writer](std::stop_token stop) {
        std::vector<RecordEntry> pending;
        while (ring->take(pending, stop)) {
            const size_t count = pending.size();
            Result<void> outcome = write_what_is_possible(*writer, pending);
            ring->report(count - pending.size(), pending.size(), std::move(outcome));
            // At the end there is one last try, not an endless one.
            if (!pending.empty() && stop.stop_requested()) return;
        }
    });
    return store;
}

RunStore::~RunStore() {
    m_thread.request_stop();
    if (m_thread.joinable()) m_thread.join();
}

void RunStore::append(RecordEntry entry) {
    m_ring->push(std::move(entry));
}
Result<void> RunStore::flush() {
    return m_ring->flush();
}
Result<void> RunStore::health() const {
    return m_ring->health();
}
}  // namespace dayrun::core
