// Neighbours: core/device/card_monitor.h asks the driver, stages/run/card_charts.h draws.
#include "ui/bridge/card_watch.h"

#include "core/base/clock.h"
#include "core/device/cuda_probe.h"

namespace dayrun::ui {

CardWatch::CardWatch(Opener opener, int every_ms, QObject* parent)
    : QObject(parent), m_opener(std::move(opener)) {
    m_timer.setInterval(every_ms);
    connect(&m_timer, &QTimer::timeout, this, &CardWatch::read);
}

CardWatch::Opener CardWatch::openerOf(const core::Device& device) {
    return [device]() -> std::unique_ptr<core::CardMonitor> {
        if (device.kind != core::DeviceKind::Cuda) return nullptr;
        const auto card = core::usable_cuda_device(device.index);
        return card.ok() ? core::CardMonitor::open(card->pci_bus_id) : nullptr;
    };
}

void CardWatch::setRunning(bool is_running) {
    if (is_running == m_is_running) return;
    m_is_running = is_running;
    m_timer.stop();
    m_job.cancel();
    if (!is_running) return;
    m_moments.clear();
    m_began_s = core::unix_time_s();
    Q_EMIT changed();
    if (m_monitor) {
        m_timer.start();
    } else {
        open();
    }
}

void CardWatch::open() {
    m_job = startJob(
        this, [opener = m_opener](std::stop_token) { return opener(); },
        [this](std::unique_ptr<core::CardMonitor> monitor) {
            m_monitor = std::move(monitor);
            if (!m_monitor || !m_is_running) return;
            read();
            m_timer.start();
        });
}

// The driver may take its time: a reading that has not come is not asked for again.
void CardWatch::read() {
    m_job = startJob(
        this, [monitor = m_monitor](std::stop_token) { return monitor->read(); },
        [this](const core::CardReading& reading) {
            m_moments.push_back({(core::unix_time_s() - m_began_s) / 60, reading});
            Q_EMIT changed();
        });
}

}  // namespace dayrun::ui
