// The live charts of one run: loss (raw faint, smoothed, validation points), memory and learning
// rate, under one crosshair. Ui thread; reads a RunView, keeps no numbers of its own but the feeds.
#pragma once

#include <QWidget>

#include "ui/bridge/run_controller.h"
#include "ui/charts/crosshair.h"

namespace dayrun::ui {

class ChartView;

class RunCharts : public QWidget {
    Q_OBJECT

  public:
    explicit RunCharts(QWidget* parent = nullptr);

    /// Shows another run from its first step.
    void reset(const RunView* run);
    /// Adds the steps from index `first` on and draws.
    void addSteps(const RunView& run, int first);
    void addEvals(const RunView& run);
    void setEmptyText(const QString& text);
    /// 0 draws the raw curve only, 0.99 is very smooth.
    void setSmoothing(double weight);
    void setLogScale(bool is_log);
    ChartView* lossChart() const { return m_loss; }
    /// Points drawn so far in the raw loss curve; for tests.
    int pointCount() const;

  private:
    void append(const core::StepMetrics& step);
    void smooth();
    void refresh();

    Crosshair* m_crosshair;
    ChartView* m_loss;
    ChartView* m_memory;
    ChartView* m_rate;
    int m_raw = 0;
    int m_smoothed = 0;
    int m_validation = 0;
    double m_smoothing = 0.9;
};

}  // namespace dayrun::ui
