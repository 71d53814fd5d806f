// The right side of the Plan stage: what the settings cost, live. Memory by part against the limit,
// tokens and steps, time and finishing clock, disk, and the checks. Ui thread; shows a PlanSheet.
#pragma once

#include <QScrollArea>
#include <functional>

#include "core/plan/preflight.h"

class QLabel;
class QVBoxLayout;
class QGridLayout;

namespace dayrun::ui {

class FactList;
class MemoryBar;

class ConsequencesPanel : public QScrollArea {
    Q_OBJECT

  public:
    explicit ConsequencesPanel(QWidget* parent = nullptr);
    void showSheet(const core::PlanSheet& sheet);
    /// A sentence instead of figures, when no sheet can be made.
    void showProblem(const QString& problem);
    /// While a new estimate is made the old one is dimmed, not emptied.
    void setMeasuring(bool is_measuring);
    /// Lines "sign message hint" of checks, the same in the pre-flight sheet; `look` is called with
    /// the name of a check whose offenders the person wants to see.
    static void addChecks(QVBoxLayout* column, const std::vector<core::PreflightCheck>& checks,
                          const std::function<void(const QString&)>& look);

  Q_SIGNALS:
    void lookWanted(const QString& check);

  private:
    void showMemory(const core::PlanSheet& sheet);
    void showTime(const core::PlanSheet& sheet);

    QWidget* m_page;
    MemoryBar* m_bar;
    QLabel* m_total;
    QGridLayout* m_legend;
    FactList* m_time;
    FactList* m_disk;
    QVBoxLayout* m_checks;
    QLabel* m_measuring;
};

}  // namespace dayrun::ui
