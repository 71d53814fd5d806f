// Ctrl-C in the terminal and SIGTERM as an event of the window: the first asks it to save and end,
// the second ends the process at once. Ui thread.
#pragma once

#include <QObject>

namespace dayrun::ui {

class QuitSignals : public QObject {
    Q_OBJECT

  public:
    /// Takes both signals over until it is destroyed; one at a time.
    explicit QuitSignals(QObject* parent = nullptr);
    ~QuitSignals() override;

  Q_SIGNALS:
    void quitAsked();

  private:
    void read();

    int m_descriptor = -1;
};

}  // namespace dayrun::ui
