// Guarded background work: a function runs on a pool's thread and its value comes back to
// the ui thread, unless the job was cancelled or the asking widget is gone. Neighbour: every stage.
// startJob, cancel and `done` belong to the ui thread; `work` runs on a pool thread.
#pragma once

#include <QObject>
#include <QPointer>
#include <functional>
#include <memory>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "core/base/error.h"

namespace dayrun::ui {

/// Handle of a running job. Destroying or replacing it cancels: the answer is then stale and
/// dropped, so a slow query can never overwrite the result of a newer one.
class Job {
  public:
    Job() = default;
    Job(Job&& other) noexcept
        : m_stop(std::exchange(other.m_stop, std::stop_source(std::nostopstate))) {}
    Job& operator=(Job&& other) noexcept {
        if (this != &other) {
            cancel();
            m_stop = std::exchange(other.m_stop, std::stop_source(std::nostopstate));
        }
        return *this;
    }
    ~Job() { cancel(); }

    void cancel() { m_stop.request_stop(); }

  private:
    friend class JobPool;
    explicit Job(std::stop_source stop) : m_stop(std::move(stop)) {}
    std::stop_source m_stop{std::nostopstate};
};

/// Which threads a job may use: what a person waits for never stands behind what takes minutes.
enum class Lane {
    Quick,    // rows, tokens of a sample, queries: two threads
    Scan,     // reading whole files: counts, indexes, searches: two threads
    Compile,  // tokenizing all data: one thread, so that the second asker finds the caches of the
              // first
};

/// The pool itself; one per application, ends with it: asks every job to stop and waits.
class JobPool : public QObject {
    Q_OBJECT

  public:
    static JobPool& instance();
    ~JobPool() override;

    /// Runs `work` on a pool thread, then the function it returns on the ui thread.
    Job start(QObject* guard, Lane lane,
              std::function<std::function<void()>(std::stop_token)> work);
    /// Jobs that are queued or running; for tests that wait until all is quiet.
    int pendingCount() const;

  private:
    JobPool();
    struct Private;
    std::unique_ptr<Private> m_private;
};

/// Runs the work; a broken CHECK or a library's exception becomes an Internal error where the value
/// can carry one (Result), so that a failing job leaves the window usable.
template <typename Work>
auto guarded(Work& work, std::stop_token stop) -> decltype(work(stop)) {
    using Value = decltype(work(stop));
    if constexpr (std::is_constructible_v<Value, core::Error>) {
        try {
            return work(stop);
        } catch (const std::exception& problem) {
            return core::Error{.code = core::ErrorCode::Internal, .message = problem.what()};
        }
    } else {
        return work(stop);
    }
}

/// Runs `work(stop_token) -> T` in the background, then `done(T)` on the ui thread while `guard`
/// lives and the returned Job has not been cancelled. `work` may outlive the guard: it captures
/// values, never a widget or a project.
template <typename Work, typename Done>
[[nodiscard]] Job startJob(QObject* guard, Lane lane, Work work, Done done) {
    return JobPool::instance().start(
        guard, lane,
        [work = std::move(work), done = std::move(done)](std::stop_token stop) mutable {
            auto value = std::make_shared<decltype(work(stop))>(guarded(work, stop));
            return std::function<void()>(
                [value, done = std::move(done)]() mutable { done(std::move(*value)); });
        });
}
template <typename Work, typename Done>
[[nodiscard]] Job startJob(QObject* guard, Work work, Done done) {
    return startJob(guard, Lane::Quick, std::move(work), std::move(done));
}

}  // namespace dayrun::ui
