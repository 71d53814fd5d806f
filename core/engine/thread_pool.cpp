// Body of thread_pool.h: one job at a time, whose pieces its caller and the workers claim.
#include "core/engine/thread_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/device/worker_threads.h"

namespace dayrun::engine {
namespace {

// How long a worker looks for the next job before it sleeps, and a caller for the end of its own.
// Of the pauses between the loops of a bfloat16 step (128 and 288 hidden, 6 layers) 86 and 99 % are
// shorter, measured on a loaded machine, where they are longest.
constexpr std::chrono::microseconds kWorkerSpin{50};
constexpr std::chrono::microseconds kCallerSpin{50};

// A claim holds a piece's number in 16 bits.
constexpr int kMostThreads = 65'535;

thread_local int s_threads = 0;  // 0: never set
thread_local bool s_is_in_piece = false;

std::atomic<WorkerStart> s_worker_start = nullptr;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// By the clock, not by a number of turns: who was preempted meanwhile stops at once.
template <class Condition>
bool spin_until(Condition condition, std::chrono::microseconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    do {
        for (int turn = 0; turn < 16; ++turn) {
            if (condition()) return true;
            pause();
        }
    } while (std::chrono::steady_clock::now() < end);
    return condition();
}

struct Job {
    kernels::ParallelTask task = nullptr;
    void* context = nullptr;
    int64_t count = 0;
    int64_t length = 0;  // of every piece but the last
    uint32_t pieces = 0;
};

// The ranges of at::parallel_for: as many as threads, unless they became shorter than the grain,
// and without those that would be empty.
Job cut(int64_t count, int64_t grain, int threads) {
    grain = std::max<int64_t>(1, grain);
    const int64_t ranges = std::min<int64_t>(threads, (count - 1) / grain + 1);
    Job job{.count = count, .length = (count - 1) / ranges + 1};
    job.pieces = static_cast<uint32_t>((count - 1) / job.length + 1);
    return job;
}

/// The fault of the lowest piece that had one.
class Fault {
  public:
    void keep(uint32_t piece, std::exception_ptr fault) {
        const std::lock_guard lock(m_mutex);
        if (m_fault && m_piece < piece) return;
        m_piece = piece;
        m_fault = std::move(fault);
    }
    /// Nobody may be computing any more.
    std::exception_ptr take() { return std::exchange(m_fault, nullptr); }

  private:
    std::mutex m_mutex;
    uint32_t m_piece = 0;
    std::exception_ptr m_fault;
};

void compute(const Job& job, uint32_t piece, Fault& fault) noexcept {
    const int64_t begin = piece * job.length;
    try {
        job.task(job.context, begin, std::min(job.count, begin + job.length));
    } catch (...) {
        fault.keep(piece, std::current_exception());
    }
}

/// Loops started meanwhile on this thread run as a whole.
class InPiece {
  public:
    InPiece() { s_is_in_piece = true; }
    ~InPiece() { s_is_in_piece = false; }
    InPiece(const InPiece&) = delete;
    InPiece& operator=(const InPiece&) = delete;
};

/// New threads inherit the mask: signals go to the threads that the program had before, but for
/// those that a thread brings upon itself.
class BlockedSignals {
  public:
    BlockedSignals() {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
            sigdelset(&blocked, own);
        }
        pthread_sigmask(SIG_SETMASK, &blocked, &m_before);
    }
    ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &m_before, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t m_before{};
};

/// What is still to be claimed of a job, in one word: its number, its pieces and the next of them.
/// Who replaces a word that he has read holds a piece of the very job that the word speaks of, and
/// that job is not over before the piece is: only then he may read the job.
struct Claim {
    static uint64_t word(uint32_t epoch, uint32_t pieces, uint32_t next) {
        return uint64_t{epoch} << 32 | pieces << 16 | next;
    }
    static uint32_t pieces(uint64_t word) { return word >> 16 & 0xFFFF; }
    static uint32_t next(uint64_t word) { return word & 0xFFFF; }
    static bool is_open(uint64_t word) { return next(word) < pieces(word); }
};

class ThreadPool {
  public:
    /// Computes all pieces; false where another caller's job is under way.
    bool run(const Job& job) {
        if (m_is_taken.exchange(true, std::memory_order_acquire)) return false;
        grow(job.pieces - 1);
        publish(job);
        wake(job.pieces - 1);
        uint32_t own = 1;  // piece 0 is claimed from the start
        compute(job, 0, m_fault);
        for (uint32_t piece = 0; claim(piece); ++own) compute(job, piece, m_fault);
        wait_for_the_others(own, job.pieces);
        const std::exception_ptr fault = m_fault.take();
        m_is_taken.store(false, std::memory_order_release);
        if (fault) std::rethrow_exception(fault);
        return true;
    }

  private:
    struct alignas(64) Worker {
        Worker(size_t worker_number, WorkerStart worker_start)
            : number(worker_number), start(worker_start) {}
        size_t number;
        WorkerStart start;
        std::atomic<uint32_t> is_asleep = 0;
    };

    /// Threads that the system refuses are not asked for again; the others do their pieces.
    void grow(uint32_t wanted) {
        if (wanted <= m_wanted) return;
        m_wanted = wanted;
        const BlockedSignals blocked;
        try {
            m_workers.reserve(wanted);
            while (m_workers.size() < wanted) {
                auto worker = std::make_unique<Worker>(m_workers.size() + 1, s_worker_start.load());
                std::thread(&ThreadPool::work, this, std::ref(*worker)).detach();
                m_workers.push_back(std::move(worker));
            }
        } catch (const std::exception&) {
            return;
        }
    }

    void publish(const Job& job) {
        m_job = job;
        m_left.store(job.pieces, std::memory_order_relaxed);
        m_claim.store(Claim::word(++m_epoch, job.pieces, 1));
    }

    /// A worker says that it sleeps, then looks for a job once more; here the job is there first.
    void wake(uint32_t wanted) {
        const size_t count = std::min<size_t>(wanted, m_workers.size());
        for (size_t i = 0; i < count && Claim::is_open(m_claim.load()); ++i) {
            std::atomic<uint32_t>& is_asleep = m_workers[i]->is_asleep;
            if (is_asleep.load() == 0 || is_asleep.exchange(0) == 0) continue;
            is_asleep.notify_one();
        }
    }

    bool claim(uint32_t& piece) {
        uint64_t word = m_claim.load(std::memory_order_acquire);
        while (Claim::is_open(word)) {
            if (m_claim.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel,
                                              std::memory_order_acquire)) {
                piece = Claim::next(word);
                return true;
            }
        }
        return false;
    }

    void wait_for_the_others(uint32_t own, uint32_t pieces) {
        if (own == pieces || m_left.fetch_sub(own) == own) return;
        const auto is_done = [&] { return m_left.load(std::memory_order_acquire) == 0; };
        if (spin_until(is_done, kCallerSpin)) return;
        uint32_t left = m_left.fetch_or(kCallerSleeps) | kCallerSleeps;
        for (; left != kCallerSleeps; left = m_left.load()) m_left.wait(left);
    }

    void work(Worker& worker) {
        s_is_in_piece = true;
        pthread_setname_np(pthread_self(),
                           ("dayrun-pool-" + std::to_string(worker.number)).c_str());
        if (worker.start != nullptr) worker.start();
        while (true) {
            uint32_t piece = 0;
            while (claim(piece)) {
                compute(m_job, piece, m_fault);
                if (m_left.fetch_sub(1) == (kCallerSleeps | 1)) m_left.notify_one();
            }
            const auto is_open = [&] { return Claim::is_open(m_claim.load()); };
            if (spin_until(is_open, kWorkerSpin)) continue;
            worker.is_asleep.store(1);
            if (is_open()) {
                worker.is_asleep.store(0);
            } else {
                worker.is_asleep.wait(1);
            }
        }
    }

    static constexpr uint32_t kCallerSleeps = uint32_t{1} << 31;

    alignas(64) std::atomic<bool> m_is_taken = false;
    // The caller's, while it has taken the pool.
    uint32_t m_epoch = 0;
    uint32_t m_wanted = 0;
    std::vector<std::unique_ptr<Worker>> m_workers;
    Job m_job;  // read by who has claimed a piece of it
    Fault m_fault;

    alignas(64) std::atomic<uint64_t> m_claim = 0;
    alignas(64) std::atomic<uint32_t> m_left = 0;  // pieces not yet done, and kCallerSleeps
};

/// Never destroyed, nor are its threads joined: they may outlive what main leaves behind, and end
/// with the process.
ThreadPool& pool() {
    static ThreadPool& s_pool = *new ThreadPool;
    return s_pool;
}

}  // namespace

int thread_count() {
    if (s_threads > 0) return s_threads;
    return std::min(core::worker_threads(), kMostThreads);
}

void use_threads(int count) {
    s_threads = std::clamp(count, 1, kMostThreads);
}

void run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task, void* context) {
    if (count <= std::max<int64_t>(1, grain) || s_is_in_piece) return task(context, 0, count);
    Job job = cut(count, grain, thread_count());
    if (job.pieces == 1) return task(context, 0, count);
    job.task = task;
    job.context = context;
    const InPiece in_piece;
    if (pool().run(job)) return;
    Fault fault;
    for (uint32_t piece = 0; piece < job.pieces; ++piece) compute(job, piece, fault);
    if (const std::exception_ptr lowest = fault.take()) std::rethrow_exception(lowest);
}

WorkerStart set_worker_start(WorkerStart start) {
    return s_worker_start.exchange(start);
}

}  // namespace dayrun::engine
