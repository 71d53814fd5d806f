// What the stages have in common: a name, a state for the dot on the rail, and what they need
// from the open project. Ui thread.
#pragma once

#include <QWidget>

#include "ui/look/icons.h"

namespace dayrun::ui {

class Inspector;
class LogPanel;
class ProjectDocument;
class RunController;

enum class StageId { Data, Model, Plan, Run, Compare };

enum class StageStatus { Empty, Attention, Ready, Running, Done };

/// The parts of an open project; they outlive every stage.
struct StageContext {
    ProjectDocument& document;
    RunController& runs;
    Inspector& inspector;
};

class Stage : public QWidget {
    Q_OBJECT

  public:
    using QWidget::QWidget;
    StageStatus status() const { return m_status; }
    /// The status in words, for tooltips and screen readers: "2 sources".
    const QString& statusText() const { return m_status_text; }

    /// Fills the inspector with this stage's selection; called when the stage is shown.
    virtual void showInInspector() = 0;

  Q_SIGNALS:
    void statusChanged();
    /// Asks the window to show another stage.
    void stageRequested(dayrun::ui::StageId stage);

  protected:
    void setStatus(StageStatus status, const QString& text) {
        if (status == m_status && text == m_status_text) return;
        m_status = status;
        m_status_text = text;
        Q_EMIT statusChanged();
    }

  private:
    StageStatus m_status = StageStatus::Empty;
    QString m_status_text;
};

}  // namespace dayrun::ui
