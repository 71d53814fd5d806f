// Painted measures: the ring of the day's budget and the stacked memory bar. Both say their numbers
// as text too (accessible description, tooltip, legend). Ui thread.
#pragma once

#include <QWidget>
#include <cstdint>
#include <optional>
#include <vector>

namespace dayrun::ui {

/// Share of a day (or of the run's own budget) that is used, as a ring of 24 px.
class DayRing : public QWidget {
    Q_OBJECT

  public:
    explicit DayRing(QWidget* parent = nullptr);
    /// `used` solid, `planned` (used and still to come) faint behind it; both 0…1.
    void setShares(double used, double planned);
    QSize sizeHint() const override { return {26, 26}; }
    QSize minimumSizeHint() const override { return sizeHint(); }

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    double m_used = 0;
    double m_planned = 0;
};

/// Bytes by part on one line, with the limit of the machine as a mark.
class MemoryBar : public QWidget {
    Q_OBJECT

  public:
    struct Part {
        QString name;
        int64_t bytes = 0;
    };
    explicit MemoryBar(QWidget* parent = nullptr);
    void setParts(std::vector<Part> parts, std::optional<int64_t> limit_bytes);
    /// Draws on the limit's scale even when the parts are then too small to be told apart.
    void setAlwaysToLimit(bool always) { m_always_to_limit = always; }
    const std::vector<Part>& parts() const { return m_parts; }
    /// Colour and hatching of the n-th part, the same in the legend.
    static QBrush partBrush(int index);
    QSize sizeHint() const override { return {260, 30}; }
    QSize minimumSizeHint() const override { return {80, 30}; }

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    int64_t total() const;

    std::vector<Part> m_parts;
    std::optional<int64_t> m_limit;
    bool m_always_to_limit = false;
};

/// A small square in a part's brush, for the legend beside the bar.
class PartSwatch : public QWidget {
    Q_OBJECT

  public:
    explicit PartSwatch(int index, QWidget* parent = nullptr);
    QSize sizeHint() const override { return {14, 14}; }

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    int m_index;
};

}  // namespace dayrun::ui
