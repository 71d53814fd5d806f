// The engine's own threads: the cut of a loop, each index once on any number of threads, who
// computes a piece that no worker has taken, two callers at once, faults, and what a new worker is
// like.
#include <pthread.h>
#include <signal.h>

#include <QTest>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/engine/thread_pool.h"
#include "tests/support/test_registry.h"

using dayrun::engine::run_in_parallel;
using dayrun::engine::set_worker_start;
using dayrun::engine::thread_count;
using dayrun::engine::use_threads;

namespace {

using Range = std::pair<int64_t, int64_t>;
using Ranges = std::set<Range>;

template <class Body>
void in_pieces(int64_t count, int64_t grain, Body&& body) {
    const auto call = [](void* context, int64_t begin, int64_t end) {
        (*static_cast<decltype(&body)>(context))(begin, end);
    };
    run_in_parallel(count, grain, call, &body);
}

// Twice the same range would be one too few of the others, which the sum of lengths tells.
Ranges ranges_of(int64_t count, int64_t grain) {
    std::mutex mutex;
    Ranges seen;
    in_pieces(count, grain, [&](int64_t begin, int64_t end) {
        const std::lock_guard lock(mutex);
        seen.emplace(begin, end);
    });
    return seen;
}

// What at::parallel_for of libtorch gives.
Ranges ranges_by_formula(int64_t count, int64_t grain, int64_t threads) {
    if (count <= grain || threads == 1) return {{0, count}};
    const int64_t pieces = std::min(threads, (count + grain - 1) / grain);
    const int64_t length = (count + pieces - 1) / pieces;
    Ranges ranges;
    for (int64_t begin = 0; begin < count; begin += length) {
        ranges.emplace(begin, std::min(count, begin + length));
    }
    return ranges;
}

std::thread::id this_thread() {
    return std::this_thread::get_id();
}

// What the start of a worker leaves for the tests below.
std::atomic<bool> s_may_start = false;
std::atomic<int> s_started = 0;

void count_start() {
    ++s_started;
    s_started.notify_all();
}

void wait_at_start() {
    s_may_start.wait(false);
    count_start();
}

void wait_for_starts(int count) {
    for (int seen = s_started; seen < count; seen = s_started) s_started.wait(seen);
}

std::mutex s_mutex;
std::set<std::string> s_names;
int s_reachable = 0;  // by the signals that a terminal sends
int s_deaf = 0;       // to their own faults

void look_at_itself() {
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof(name));
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    {
        const std::lock_guard lock(s_mutex);
        s_names.insert(name);
        for (const int sent : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGUSR1}) {
            if (sigismember(&blocked, sent) == 0) ++s_reachable;
        }
        if (sigismember(&blocked, SIGSEGV) != 0) ++s_deaf;
    }
    count_start();
}

}  // namespace

class TestThreadPool : public QObject {
    Q_OBJECT

    // More than any other test of this program asks for: with one more there is a new worker.
    int m_most_threads = 20 + static_cast<int>(std::thread::hardware_concurrency());
    dayrun::engine::WorkerStart m_start_before = nullptr;

    // Workers that the next job starts by `start`.
    void ask_for_new_workers(int count, dayrun::engine::WorkerStart start) {
        use_threads(m_most_threads);
        ranges_of(m_most_threads, 1);
        m_most_threads += count;
        use_threads(m_most_threads);
        s_started = 0;
        set_worker_start(start);
    }

  private Q_SLOTS:
    void init() { m_start_before = set_worker_start(nullptr); }
    void cleanup() {
        set_worker_start(m_start_before);
        use_threads(2);
    }

    void a_loop_is_cut_as_by_libtorch() {
        for (const int threads : {1, 2, 3, 4, 5, 7, 8, 9, 16}) {
            use_threads(threads);
            for (const int64_t count :
                 {1, 2, 3, 5, 6, 7, 9, 10, 13, 16, 17, 31, 64, 97, 100, 1000, 4099}) {
                for (const int64_t grain : {1, 2, 3, 4, 7, 10, 33, 64, 100, 999, 5000}) {
                    QCOMPARE(ranges_of(count, grain), ranges_by_formula(count, grain, threads));
                }
            }
        }
    }

    void a_loop_of_most_indices_is_cut() {
        use_threads(3);
        constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 4;
        QCOMPARE(ranges_of(kMost, 1), ranges_by_formula(kMost, 1, 3));
        QCOMPARE(ranges_of(kMost, kMost), (Ranges{{0, kMost}}));
        QCOMPARE(ranges_of(kMost, kMost - 1).size(), 2U);
    }

    void a_loop_without_indices_is_one_call() {
        use_threads(3);
        QCOMPARE(ranges_of(0, 1), (Ranges{{0, 0}}));
        QCOMPARE(ranges_of(0, 0), (Ranges{{0, 0}}));
        QCOMPARE(ranges_of(3, 0).size(), 3U);
    }

    void each_index_comes_once_data() {
        QTest::addColumn<int>("threads");
        for (int threads = 1; threads <= 9; ++threads) {
            QTest::addRow("%d threads", threads) << threads;
        }
    }
    void each_index_comes_once() {
        QFETCH(int, threads);
        use_threads(threads);
        for (const int64_t count : {1, 2, 8, 9, 10, 255, 1021}) {
            for (int again = 0; again < 50; ++again) {
                std::vector<int> seen(static_cast<size_t>(count));
                in_pieces(count, 1, [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
                });
                QCOMPARE(std::count(seen.begin(), seen.end(), 1), count);
            }
        }
    }

    // Each job's numbers are gone when the next begins: a worker that comes late must not see them.
    void many_tiny_jobs() {
        constexpr int kJobs = 200'000;
        uint64_t sum = 0, expected = 0;
        for (int job = 0; job < kJobs; ++job) {
            const int threads = 2 + job % 8;
            use_threads(threads);
            std::vector<uint64_t> values(static_cast<size_t>(1 + job % 11), 0);
            in_pieces(std::ssize(values), 1, [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                    values[static_cast<size_t>(i)] += static_cast<uint64_t>(job + i);
                }
            });
            sum += std::accumulate(values.begin(), values.end(), uint64_t{0});
            const auto n = static_cast<uint64_t>(values.size());
            expected += n * static_cast<uint64_t>(job) + n * (n - 1) / 2;
        }
        QCOMPARE(sum, expected);
    }

    // Pieces that wait for each other are only done when several threads work at them.
    void workers_take_pieces() {
        constexpr int kThreads = 4;
        use_threads(kThreads);
        for (int again = 0; again < 100; ++again) {
            std::atomic<int> here = 0;
            std::mutex mutex;
            std::set<std::thread::id> threads;
            in_pieces(kThreads, 1, [&](int64_t, int64_t) {
                {
                    const std::lock_guard lock(mutex);
                    threads.insert(this_thread());
                }
                ++here;
                here.notify_all();
                for (int seen = here; seen < kThreads; seen = here) here.wait(seen);
            });
            QCOMPARE(threads.size(), static_cast<size_t>(kThreads));
            QVERIFY(threads.contains(this_thread()));
        }
    }

    // The caller sleeps by then: the last piece is let go only after all the others.
    void a_caller_waits_for_a_taken_piece() {
        use_threads(2);
        for (int again = 0; again < 50; ++again) {
            std::atomic<bool> is_taken = false, is_own_done = false;
            int done = 0;
            const auto caller = this_thread();
            in_pieces(2, 1, [&](int64_t, int64_t) {
                if (this_thread() == caller) {
                    is_taken.wait(false);
                    is_own_done = true;
                    is_own_done.notify_one();
                    return;
                }
                is_taken = true;
                is_taken.notify_one();
                is_own_done.wait(false);
                // Longer than the caller looks for the end; shorter would be no fault either.
                const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(300);
                while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
                done = 1;
            });
            QCOMPARE(done, 1);
        }
    }

    // Workers that do not come, as if other programs had all processors: nobody waits for them.
    void pieces_that_nobody_takes_are_the_callers() {
        constexpr int kNew = 3;
        ask_for_new_workers(kNew, &wait_at_start);
        QCOMPARE(ranges_of(m_most_threads, 1).size(), static_cast<size_t>(m_most_threads));
        QCOMPARE(s_started.load(), 0);
        s_may_start = true;
        s_may_start.notify_all();
        wait_for_starts(kNew);
        QCOMPARE(ranges_of(m_most_threads, 1).size(), static_cast<size_t>(m_most_threads));
    }

    void a_new_worker_starts_by_the_hook() {
        constexpr int kNew = 2;
        const int before = m_most_threads;
        ask_for_new_workers(kNew, &look_at_itself);
        ranges_of(m_most_threads, 1);
        wait_for_starts(kNew);
        ranges_of(m_most_threads, 1);
        QCOMPARE(s_started.load(), kNew);
        const std::lock_guard lock(s_mutex);
        QCOMPARE(s_names, (std::set<std::string>{"dayrun-pool-" + std::to_string(before),
                                                 "dayrun-pool-" + std::to_string(before + 1)}));
        QCOMPARE(s_reachable, 0);
        QCOMPARE(s_deaf, 0);
        QVERIFY(set_worker_start(nullptr) == &look_at_itself);
        // Making them left this thread's own mask alone.
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        QCOMPARE(sigismember(&blocked, SIGINT), 0);
    }

    void a_loop_within_a_piece_is_one_call() {
        use_threads(4);
        std::atomic<int> calls = 0, elsewhere = 0, whole = 0;
        in_pieces(4, 1, [&](int64_t, int64_t) {
            const auto outer = this_thread();
            in_pieces(1000, 1, [&](int64_t begin, int64_t end) {
                ++calls;
                if (this_thread() != outer) ++elsewhere;
                if (begin == 0 && end == 1000) ++whole;
            });
        });
        QCOMPARE(calls.load(), 4);
        QCOMPARE(whole.load(), 4);
        QCOMPARE(elsewhere.load(), 0);
        // Afterwards loops of this thread are cut again.
        QCOMPARE(ranges_of(4, 1).size(), 4U);
    }

    void the_lowest_fault_comes_out_after_all_pieces() {
        for (const int threads : {2, 3, 8}) {
            use_threads(threads);
            for (int64_t lowest = 0; lowest < threads; ++lowest) {
                std::atomic<int> done = 0;
                std::string fault;
                try {
                    in_pieces(threads, 1, [&](int64_t begin, int64_t) {
                        ++done;
                        if (begin >= lowest) throw std::runtime_error(std::to_string(begin));
                    });
                } catch (const std::runtime_error& thrown) {
                    fault = thrown.what();
                }
                QCOMPARE(fault, std::to_string(lowest));
                QCOMPARE(done.load(), threads);
                // The next job has none of it, and is cut.
                QCOMPARE(ranges_of(threads, 1).size(), static_cast<size_t>(threads));
            }
        }
    }

    // The first caller's pieces wait for the second's whole loop, so that both are under way.
    void a_second_caller_does_its_own_pieces() {
        use_threads(3);
        std::atomic<bool> is_taken = false, is_second_done = false;
        Ranges second;
        std::set<std::thread::id> who;
        std::string fault;
        std::thread other([&] {
            is_taken.wait(false);
            use_threads(5);
            second = ranges_of(11, 1);
            try {
                in_pieces(5, 1, [&](int64_t begin, int64_t) {
                    who.insert(this_thread());
                    if (begin >= 3) throw std::runtime_error(std::to_string(begin));
                });
            } catch (const std::runtime_error& thrown) {
                fault = thrown.what();
            }
            is_second_done = true;
            is_second_done.notify_all();
        });
        const auto other_id = other.get_id();
        in_pieces(3, 1, [&](int64_t, int64_t) {
            is_taken = true;
            is_taken.notify_all();
            is_second_done.wait(false);
        });
        other.join();
        QCOMPARE(second, ranges_by_formula(11, 1, 5));
        QVERIFY(who == std::set<std::thread::id>{other_id});
        QCOMPARE(fault, std::string("3"));
    }

    void many_callers_share_the_pool() {
        constexpr int kCallers = 4, kJobs = 5000;
        std::atomic<int> wrong = 0;
        std::vector<std::thread> callers;
        callers.reserve(kCallers);
        for (int caller = 0; caller < kCallers; ++caller) {
            callers.emplace_back([&, caller] {
                use_threads(2 + caller);
                for (int job = 0; job < kJobs; ++job) {
                    std::vector<int> values(static_cast<size_t>(7 + caller));
                    in_pieces(std::ssize(values), 1, [&](int64_t begin, int64_t end) {
                        for (int64_t i = begin; i < end; ++i) {
                            values[static_cast<size_t>(i)] += job + 1;
                        }
                    });
                    const auto right = std::count(values.begin(), values.end(), job + 1);
                    if (right != std::ssize(values)) ++wrong;
                }
            });
        }
        for (std::thread& caller : callers) caller.join();
        QCOMPARE(wrong.load(), 0);
    }

    void the_number_belongs_to_the_thread() {
        use_threads(3);
        int first = 0, after = 0;
        std::thread([&] {
            first = thread_count();
            use_threads(5);
            after = thread_count();
        }).join();
        QCOMPARE(first, std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
        QCOMPARE(after, 5);
        QCOMPARE(thread_count(), 3);
        use_threads(0);
        QCOMPARE(thread_count(), 1);
    }
};

DAYRUN_TEST(TestThreadPool)
#include "test_thread_pool.moc"
