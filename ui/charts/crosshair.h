// One position shared by several charts: where the mouse is in one of them, a line stands in all.
// Ui thread.
#pragma once

#include <QObject>
#include <optional>

namespace dayrun::ui {

class Crosshair : public QObject {
    Q_OBJECT

  public:
    using QObject::QObject;
    const std::optional<double>& position() const { return m_position; }
    void setPosition(std::optional<double> x) {
        if (x == m_position) return;
        m_position = x;
        Q_EMIT moved();
    }

  Q_SIGNALS:
    void moved();

  private:
    std::optional<double> m_position;
};

}  // namespace dayrun::ui
