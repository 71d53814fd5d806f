// The data thread behind BatchStream. Neighbours: compiled_data.cpp copies the rows, the run thread
// takes the batches. The queue's lock is the only thing the two threads share.
#include "core/tokens/packing/batch_stream.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "core/base/clock.h"

namespace dayrun::core {
namespace {

constexpr size_t kQueueLength = 4;

}  // namespace

struct BatchStream::Shared {
    std::shared_ptr<const CompiledData> data;
    uint64_t start_position = 0;
    double wait_ms = 0;  // of the run thread alone

    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<StreamedBatch> queue;
    bool is_empty_forever = false;  // no row to train on

    std::jthread thread;  // last: joined before what it uses goes

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

    /// Hands out the micro-batches of one epoch from `first` on; false when closed.
    bool stream_epoch(int64_t epoch, int64_t first, uint64_t& index, const std::stop_token& stop) {
        const EpochPlan plan = data->plan_epoch(epoch);
        const auto row_count = static_cast<int64_t>(plan.rows.size());
        const int64_t size = data->micro_batch_size();
        const int64_t count = (row_count + size - 1) / size;
        for (int64_t batch = first; batch < count; ++batch) {
            std::vector<PackedRow> rows;
            for (int64_t row = batch * size; row < std::min((batch + 1) * size, row_count); ++row) {
                rows.push_back(data->read_row(plan, static_cast<size_t>(row)));
            }
            StreamedBatch next;
            next.batch = make_batch(rows, data->slot_length(), index++);
            next.epoch = epoch;
            next.batch_in_epoch = batch;
            next.batches_in_epoch = count;
            if (!push(std::move(next), stop)) return false;
        }
        return true;
    }

    void stream(const std::stop_token& stop) {
        if (data->train_rows() == 0) {
            const std::lock_guard lock(mutex);
            is_empty_forever = true;
            changed.notify_all();
            return;
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
            if (!stream_epoch(epoch, first, index, stop)) return;
            first = 0;
            ++epoch;
        }
    }
};

BatchStream::BatchStream(std::shared_ptr<const CompiledData> data, uint64_t start_position)
    : m_shared(std::make_unique<Shared>()) {
    m_shared->data = std::move(data);
    m_shared->start_position = start_position;
    m_shared->thread =
        std::jthread([shared = m_shared.get()](std::stop_token stop) { shared->stream(stop); });
}

BatchStream::~BatchStream() = default;

Result<StreamedBatch> BatchStream::next() {
    const Stopwatch watch;
    std::unique_lock lock(m_shared->mutex);
    m_shared->changed.wait(lock,
                           [&] { return !m_shared->queue.empty() || m_shared->is_empty_forever; });
    m_shared->wait_ms += watch.elapsed_ms();
    if (m_shared->queue.empty()) {
        return Error{.code = ErrorCode::BadData, .message = "There is no row to train on."};
    }
    StreamedBatch batch = std::move(m_shared->queue.front());
    m_shared->queue.pop_front();
    lock.unlock();
    m_shared->changed.notify_all();
    return batch;
}

double BatchStream::data_wait_ms() const {
    return m_shared->wait_ms;
}

}  // namespace dayrun::core
