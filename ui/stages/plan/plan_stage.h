// Stage 3, the heart: controls left, consequences right and live, Start with its reason. The forms
// are drawn from the settings table. Ui thread; estimates come from jobs.
#pragma once

#include <QTimer>

#include "core/plan/preflight.h"
#include "ui/look/job.h"
#include "ui/stages/stage.h"

class QLabel;
class QLineEdit;
class QPushButton;
class QScrollArea;
class QTabWidget;

namespace dayrun::ui {

class ConsequencesPanel;
class SettingForm;

class PlanStage : public Stage {
    Q_OBJECT

  public:
    explicit PlanStage(StageContext context, QWidget* parent = nullptr);
    void showInInspector() override;

    /// Opens the pre-flight sheet; does nothing but say why when a start is not possible.
    void openPreflight();
    /// Estimates again (F5).
    void estimate();
    /// Puts the cursor into the search of all settings (Ctrl+F).
    void focusSearch();
    SettingForm* basicForm() const { return m_basic; }
    /// Every setting; made when it is first shown.
    SettingForm* fullForm();
    QPushButton* startButton() const { return m_start; }

  Q_SIGNALS:
    /// The run has been started.
    void runStarted();
    /// The person wants to see what a check of this name is about.
    void lookWanted(const QString& check);

  private:
    QWidget* makeForms();
    QWidget* makeRight();
    core::PlanOptions planOptions(bool with_data) const;
    void measure(bool with_data);
    void showStart();
    void showHelp(const QString& key);
    void showChanged();
    QString reasonAgainstStart() const;

    StageContext m_context;
    QTabWidget* m_tabs;
    SettingForm* m_basic;
    SettingForm* m_full = nullptr;
    QScrollArea* m_full_scroll = nullptr;
    QLineEdit* m_search;
    QLabel* m_found;
    QLabel* m_changed;
    ConsequencesPanel* m_consequences;
    QPushButton* m_start;
    QLabel* m_reason;
    QTimer m_soon{this};
    std::optional<core::PlanSheet> m_sheet;
    Job m_job;
};

}  // namespace dayrun::ui
