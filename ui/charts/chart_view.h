// A chart of curves over one x axis: axes are drawn before the first point, numbers carry units,
// drag zooms, double click shows all, the context menu copies image or numbers. Curves are told
// apart by colour and line style. Ui thread; data come in through SeriesFeed.
#pragma once

#include <QChartView>
#include <QPen>
#include <QPointer>
#include <QWidget>
#include <functional>
#include <optional>
#include <vector>

#include "ui/charts/crosshair.h"
#include "ui/charts/series_feed.h"

class QAbstractAxis;
class QXYSeries;

namespace dayrun::ui {

enum class CurveKind { Line, FaintLine, Markers };

/// What stands at the axes and in the reading under the mouse.
struct ChartText {
    QString title;
    QString x_label;
    QString y_label;
    QString empty_text;  // before the first point
    /// The y value with its unit, for the reading and the table.
    std::function<QString(double)> y_text;
};

class ChartView : public QChartView {
    Q_OBJECT

  public:
    ChartView(ChartText text, Crosshair* crosshair, QWidget* parent = nullptr);

    /// Adds a curve and returns its number.
    int addCurve(const QString& name, const QPen& pen, CurveKind kind = CurveKind::Line);
    void removeCurves();
    SeriesFeed& feed(int curve) { return m_curves[static_cast<size_t>(curve)].feed; }
    int curveCount() const { return static_cast<int>(m_curves.size()); }
    int pointCount(int curve) const;
    /// Draws anew what the feeds hold: one replace() per curve.
    void refresh();
    void setEmptyText(const QString& text);
    void setXLabel(const QString& label);
    void setLogScale(bool is_log);
    /// The x axis ends here at least, so that a run's whole length is seen from the start.
    void setExpectedEnd(double x) { m_expected_end = x; }
    /// y always shows zero (memory); otherwise the range follows the curves.
    void setStartsAtZero(bool starts) { m_starts_at_zero = starts; }
    /// The numbers as comma-separated lines, with a header.
    QString csv() const;
    void applyTheme();

  protected:
    void drawForeground(QPainter* painter, const QRectF& rect) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

  private:
    struct Curve {
        QString name;
        QPen pen;
        CurveKind kind;
        SeriesFeed feed;
        QXYSeries* series;
    };

    std::pair<double, double> wholeX() const;
    void makeAxes();
    void setRanges();
    void describe();
    void showNumbers();
    QString reading(double x) const;

    ChartText m_text;
    QPointer<Crosshair> m_crosshair;
    std::vector<Curve> m_curves;
    QAbstractAxis* m_axis_x = nullptr;
    QAbstractAxis* m_axis_y = nullptr;
    std::optional<std::pair<double, double>> m_zoom;
    double m_expected_end = 1;
    bool m_is_log = false;
    bool m_starts_at_zero = false;
};

}  // namespace dayrun::ui
