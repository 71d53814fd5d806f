// What the card does while a run goes on: read every two seconds by a job, kept for the charts.
// Without a card, or without its driver's NVML, there are no readings. Ui thread.
#pragma once

#include <QObject>
#include <QTimer>
#include <functional>
#include <memory>
#include <vector>

#include "core/device/card_monitor.h"
#include "core/engine/engine.h"
#include "ui/look/job.h"

namespace dayrun::ui {

struct CardMoment {
    double minutes = 0;  // since the watch began
    core::CardReading reading;
};

class CardWatch : public QObject {
    Q_OBJECT

  public:
    /// Opens a card's monitor, on a job's thread; null when there is none.
    using Opener = std::function<std::unique_ptr<core::CardMonitor>()>;

    explicit CardWatch(Opener opener, int every_ms = 2000, QObject* parent = nullptr);
    /// The card that a run on this device uses.
    static Opener openerOf(const core::Device& device);

    /// Begins anew, or stops; what was read stays until the next beginning.
    void setRunning(bool is_running);
    const std::vector<CardMoment>& moments() const { return m_moments; }

  Q_SIGNALS:
    /// A reading has come, or all are forgotten.
    void changed();

  private:
    void open();
    void read();

    Opener m_opener;
    std::shared_ptr<core::CardMonitor> m_monitor;
    std::vector<CardMoment> m_moments;
    double m_began_s = 0;
    bool m_is_running = false;
    QTimer m_timer;
    Job m_job;
};

}  // namespace dayrun::ui
