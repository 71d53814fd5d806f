// Stage 4: start, watch and stop. Live charts, elapsed and finishing time, share of the day,
// validation by source, log. Shows only the run's frozen copy of its recipe. Ui thread.
#pragma once

#include <QTimer>
#include <memory>

#include "core/events/run_control.h"
#include "ui/stages/stage.h"

class QLabel;
class QMenu;
class QPushButton;
class QStackedWidget;
class QTableWidget;
class QToolButton;

namespace dayrun::ui {

class CardCharts;
class CardWatch;
class DayRing;
class EmptyState;
class FactList;
class RunCharts;
struct RunView;

class RunStage : public Stage {
    Q_OBJECT

  public:
    /// `stop_menu` holds the window's stop actions, so that menu, button and keys are the same.
    RunStage(StageContext context, QMenu* stop_menu, QWidget* parent = nullptr);
    ~RunStage() override;
    void showInInspector() override;

    RunCharts* charts() const { return m_charts; }
    QToolButton* stopButton() const { return m_stop; }
    QPushButton* continueButton() const { return m_continue; }
    CardCharts* cardCharts() const { return m_card_charts; }
    /// Watches another card than the one of the device; for tests.
    void setCardWatch(std::unique_ptr<CardWatch> watch);

  Q_SIGNALS:
    /// Asks for the pre-flight sheet.
    void startWanted();
    /// Asks to go on with the run that is shown.
    void continueWanted();
    void stopWanted(dayrun::core::RunRequest request);

  private:
    QWidget* makeEmpty();
    QWidget* makeWatch(QMenu* stop_menu);
    QWidget* makeHeader(QMenu* stop_menu);
    QToolButton* makeChartOptions();
    void showRun();
    void showState();
    void showFacts();
    void showEvals();

    StageContext m_context;
    QStackedWidget* m_pages;
    EmptyState* m_empty;
    QPushButton* m_empty_start;
    QLabel* m_name;
    QLabel* m_state;
    QLabel* m_problem;
    QPushButton* m_start;
    QPushButton* m_continue;
    QToolButton* m_stop;
    DayRing* m_ring;
    QLabel* m_clock;
    RunCharts* m_charts;
    CardCharts* m_card_charts;
    std::unique_ptr<CardWatch> m_card;
    QTableWidget* m_evals;
    FactList* m_facts;
    QTimer m_tick;
};

}  // namespace dayrun::ui
