// Stage 5: tick runs, see their curves over each other and the settings in which they differ. Reads
// records only, by jobs; what is shown survives closing and reopening. Ui thread.
#pragma once

#include "core/records/compare.h"
#include "ui/look/job.h"
#include "ui/stages/stage.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QPushButton;
class QStackedWidget;
class QTableView;
class QTabWidget;

namespace dayrun::ui {

class ChartView;
class RunTableModel;
class SettingDiffModel;

class CompareStage : public Stage {
    Q_OBJECT

  public:
    explicit CompareStage(StageContext context, QWidget* parent = nullptr);
    void showInInspector() override;

    /// Reads the list of runs again; the two newest are ticked when nothing is.
    void reload();
    RunTableModel& runs() const { return *m_runs; }
    SettingDiffModel& differences() const { return *m_diff; }
    ChartView* chart() const { return m_chart; }
    int comparedCount() const { return static_cast<int>(m_labels.size()); }

  Q_SIGNALS:
    void openRunWanted(const QString& run_id);
    void continueRunWanted(const QString& run_id);

  private:
    QWidget* makeEmpty();
    QWidget* makeTable();
    QWidget* makeCurves();
    QWidget* makeSettings();
    void showRuns(std::vector<core::RunRecord> runs);
    void compare();
    void showComparison(core::Comparison comparison, std::vector<core::SettingDiff> all);
    void showSelected();

    StageContext m_context;
    QStackedWidget* m_pages;
    RunTableModel* m_runs;
    SettingDiffModel* m_diff;
    QTableView* m_table;
    QTabWidget* m_tabs;
    ChartView* m_chart;
    QComboBox* m_axis;
    QComboBox* m_curve;
    QLabel* m_hint;
    QTableView* m_diff_table;
    QPushButton* m_use;
    QPushButton* m_open;
    QPushButton* m_continue;
    QStringList m_labels;
    Job m_list_job;
    Job m_compare_job;
};

}  // namespace dayrun::ui
