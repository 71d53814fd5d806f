// The sheet that stands between the draft and a run: every check with its figures. Red blocks,
// amber asks for a tick; the only confirmation in the program, since a start cannot be undone.
// Ui thread; the data are compiled by a job that Cancel stops.
#pragma once

#include <QDialog>

#include "core/plan/preflight.h"
#include "ui/look/job.h"

class QCheckBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QVBoxLayout;

namespace dayrun::ui {

class PreflightSheet : public QDialog {
    Q_OBJECT

  public:
    PreflightSheet(const core::Recipe& recipe, core::PlanOptions options,
                   QWidget* parent = nullptr);

    const core::Recipe& recipe() const { return m_recipe; }
    QPushButton* startButton() const { return m_start; }

  Q_SIGNALS:
    /// The person has seen the sheet and starts; carries the recipe that was checked.
    void startConfirmed();
    /// The person wants to see what a check is about; the sheet closes.
    void lookWanted(const QString& check);

  private:
    void showSheet(const core::Result<core::PlanSheet>& sheet);
    void showStartable();

    core::Recipe m_recipe;
    QLabel* m_summary;
    QProgressBar* m_busy;
    QVBoxLayout* m_checks;
    QCheckBox* m_read;
    QLabel* m_reason;
    QPushButton* m_start;
    bool m_is_ready = false;
    bool m_is_blocked = false;
    bool m_asks_tick = false;
    Job m_job;
};

}  // namespace dayrun::ui
