// The data thread behind BatchStream. Neighbours: compiled_data.cpp copies the rows, the run thread
// takes the batches. The queue's lock is the only thing the two threads share.
#include "core/compile/packing/batch_stream.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/clock.h"

namespace dayrun::core {
namespace {

constexpr size_t kQueueLength = 4;

}  // namespace

struct BatchStream::Shared {
    std::shared_ptr<const CompiledData> data;
    uint64_t start_position = 0;

    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<StreamedBatch> queue;
    std::optional<Error> failure;  // behind what is queued; nothing comes after it

    std::jthread thread;  // last: joined before what it uses goes

    Shared(std::shared_ptr<const CompiledData> streamed, uint64_t position)
        : data(std::move(streamed)), start_position(position) {
        thread = std::jthread([this](std::stop_token stop) {
            const Result<void> end = stream(stop);
            if (end.ok()) return;
            const std::lock_guard lock(mutex);
            failure = end.error();
            changed.notify_all();
        });
    }

    /// False when the stream is being closed.
    bool push(StreamedBatch batch, const std::stop_token& stop) {
        std::unique_lock lock(mutex);
        changed.wait(lock, stop, [&] { return queue.size() < kQueueLength; });
        if (stop.stop_requested()) return false;
        queue.push_back(std::move(batch));
        lock.unlock();
        changed.notify_all();
        return true;
    }

    /// Hands out the micro-batches of one epoch from `first` on, or until closed.
    Result<void> stream_epoch(int64_t epoch, int64_t first, uint64_t& index,
                              const std::stop_token& stop) {
        const EpochPlan plan = data->plan_epoch(epoch);
        const auto row_count = static_cast<int64_t>(plan.rows.size());
        const int64_t size = data->micro_batch_size();
        const int64_t count = (row_count + size - 1) / size;
        for (int64_t batch = first; batch < count; ++batch) {
            std::vector<PackedRow> rows;
            for (int64_t row = batch * size; row < std::min((batch + 1) * size, row_count); ++row) {
                TRY(packed, data->read_row(plan, static_cast<size_t>(row)));
                rows.push_back(std::move(packed));
            }
            StreamedBatch next;
            next.batch = make_batch(rows, data->slot_length(), index++);
            next.epoch = epoch;
            next.batch_in_epoch = batch;
            next.batches_in_epoch = count;
            if (!push(std::move(next), stop)) return {};
        }
        return {};
    }

    /// Until closed, or until a row cannot be read.
    Result<void> stream(const std::stop_token& stop) {
        if (data->train_rows() == 0) {
            return Error{.code = ErrorCode::BadData, .message = "There is no row to train on."};
        }
        int64_t epoch = 0;
        uint64_t before = 0;  // batches of the epochs so far
        while (!stop.stop_requested()) {
            const auto count = static_cast<uint64_t>(data->micro_batches_in_epoch(epoch));
            if (before + count > start_position) break;
            before += count;
            ++epoch;
        }
        auto first = static_cast<int64_t>(start_position - before);
        uint64_t index = start_position;
        while (!stop.stop_requested()) {
            TRY_VOID(stream_epoch(epoch, first, index, stop));
            first = 0;
            ++epoch;
        }
        return {};
    }
};

BatchStream::BatchStream(std::shared_ptr<const CompiledData> data, uint64_t start_position,
                         DataMender mend)
    : m_shared(std::make_unique<Shared>(std::move(data), start_position)),
      m_mend(std::move(mend)),
      m_position(start_position) {}

BatchStream::~BatchStream() = default;

Result<StreamedBatch> BatchStream::next() {
    const Stopwatch watch;
    Result<StreamedBatch> batch = take();
    // Each source may have a cache to mend; what is damaged again after that stays so.
    for (size_t left = m_shared->data->sources.size(); !batch.ok() && left > 0; --left) {
        if (!m_mend || !m_shared->data->has_damaged_cache()) break;
        TRY(mended, m_mend(batch.error()));
        m_shared = std::make_unique<Shared>(std::move(mended), m_position);
        batch = take();
    }
    m_wait_ms += watch.elapsed_ms();
    if (batch.ok()) ++m_position;
    return batch;
}

Result<StreamedBatch> BatchStream::take() {
    std::unique_lock lock(m_shared->mutex);
    m_shared->changed.wait(lock, [&] { return !m_shared->queue.empty() || m_shared->failure; });
    if (m_shared->queue.empty()) return *m_shared->failure;
    StreamedBatch batch = std::move(m_shared->queue.front());
    m_shared->queue.pop_front();
    lock.unlock();
    m_shared->changed.notify_all();
    return batch;
}

double BatchStream::data_wait_ms() const {
    return m_wait_ms;
}

}  // namespace dayrun::core
