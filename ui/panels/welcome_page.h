// The first page: one primary button, the sample, recent projects and what this machine can do.
// Ui thread; the machine is read by a job.
#pragma once

#include <QWidget>

#include "ui/look/job.h"

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace dayrun::ui {

class FactList;

class WelcomePage : public QWidget {
    Q_OBJECT

  public:
    explicit WelcomePage(QWidget* parent = nullptr);
    void setRecent(const QStringList& folders);
    /// Without a maker of sample projects the button is disabled and says why.
    void setSampleAvailable(bool is_available);
    /// A sentence about what could not be opened; empty hides it.
    void setProblem(const QString& problem);

  Q_SIGNALS:
    void newProject();
    void openProject();
    void sampleProject();
    void recentChosen(const QString& folder);

  private:
    QWidget* makeMachineCard();
    void showMachine();

    QPushButton* m_sample;
    QLabel* m_sample_note;
    QLabel* m_problem;
    QVBoxLayout* m_recent;
    FactList* m_machine;
    QLabel* m_verdict;
    Job m_machine_job;
};

}  // namespace dayrun::ui
