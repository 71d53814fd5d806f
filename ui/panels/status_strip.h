// The strip at the bottom, on every stage: run, step, loss, memory, elapsed, finishing time and the
// share of the day. Reads the RunController; owns nothing. Ui thread.
#pragma once

#include <QPointer>
#include <QWidget>

class QLabel;

namespace dayrun::ui {

class DayRing;
class ElidedLabel;
class MemoryBar;
class RunController;

class StatusStrip : public QWidget {
    Q_OBJECT

  public:
    explicit StatusStrip(QWidget* parent = nullptr);
    /// Null when no project is open.
    void setController(RunController* controller);
    void refresh();
    /// A short message for an expected event ("Saved"), instead of a dialog; goes after seconds.
    void announce(const QString& message);

  private:
    void showIdle(const QString& text);
    QLabel* addField(const QString& name, const QString& widest);

    QPointer<RunController> m_controller;
    ElidedLabel* m_run;
    QLabel* m_step;
    QLabel* m_loss;
    MemoryBar* m_memory_bar;
    QLabel* m_memory;
    QLabel* m_elapsed;
    QLabel* m_finishes;
    DayRing* m_ring;
    QLabel* m_share;
    QWidget* m_fields;
    ElidedLabel* m_message;
    QTimer* m_message_timer;
    QTimer* m_clock_timer;
    int64_t m_memory_limit;
};

}  // namespace dayrun::ui
