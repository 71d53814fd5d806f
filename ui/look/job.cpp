// The pool behind startJob. Answers travel to the pool object, which lives on the ui thread as long
// as the application, and only there is the guard looked at: no job touches a dying widget.
#include "ui/look/job.h"

#include <QCoreApplication>
#include <QThreadPool>
#include <array>
#include <atomic>
#include <list>

namespace dayrun::ui {

struct JobPool::Private {
    std::array<QThreadPool, 3> lanes;
    std::stop_source all;
    std::atomic<int> pending{0};
};

JobPool& JobPool::instance() {
    static QPointer<JobPool> s_pool;
    if (s_pool.isNull()) s_pool = new JobPool;
    return *s_pool;
}

JobPool::JobPool() : QObject(QCoreApplication::instance()), m_private(std::make_unique<Private>()) {
    m_private->lanes[static_cast<size_t>(Lane::Quick)].setMaxThreadCount(2);
    m_private->lanes[static_cast<size_t>(Lane::Scan)].setMaxThreadCount(2);
    m_private->lanes[static_cast<size_t>(Lane::Compile)].setMaxThreadCount(1);
}

JobPool::~JobPool() {
    m_private->all.request_stop();
    for (QThreadPool& lane : m_private->lanes) lane.clear();
    for (QThreadPool& lane : m_private->lanes) lane.waitForDone();
}

int JobPool::pendingCount() const {
    return m_private->pending.load();
}

Job JobPool::start(QObject* guard, Lane lane,
                   std::function<std::function<void()>(std::stop_token)> work) {
    const std::stop_source source;
    ++m_private->pending;
    m_private->lanes[static_cast<size_t>(lane)].start(
        [this, source, guard = QPointer<QObject>(guard), work = std::move(work)]() mutable {
            std::function<void()> done;
            // The pool's own end reaches the work through the same token.
            const std::stop_callback forward(
                m_private->all.get_token(), [&source] { std::stop_source(source).request_stop(); });
            if (!source.stop_requested()) done = work(source.get_token());
            QMetaObject::invokeMethod(
                this,
                [this, source, guard = std::move(guard), done = std::move(done)] {
                    --m_private->pending;
                    if (done && !guard.isNull() && !source.stop_requested()) done();
                },
                Qt::QueuedConnection);
        });
    return Job(source);
}

}  // namespace dayrun::ui
