// The numbers of one curve, and what of them is drawn: all points are kept, and each refresh gives
// the least and the greatest of every pixel column of the visible range, so that a day's run draws
// as fast as a minute's. Ui thread.
#pragma once

#include <QList>
#include <QPointF>
#include <utility>
#include <vector>

namespace dayrun::ui {

class SeriesFeed {
  public:
    void clear();
    /// x must rise; non-finite y are kept for the table and left out of the drawing.
    void append(double x, double y);
    void set(std::vector<double> x, std::vector<double> y);

    const std::vector<double>& x() const { return m_x; }
    const std::vector<double>& y() const { return m_y; }
    bool isEmpty() const { return m_x.empty(); }

    /// Points to draw of x in [from, to], one neighbour beyond each border included.
    QList<QPointF> columns(double from, double to, int pixels) const;
    /// The same curve smoothed: an exponential mean with bias correction; weight 0 changes nothing.
    SeriesFeed smoothed(double weight) const;
    /// Least and greatest finite y of x in [from, to]; {nan, nan} when there is none.
    std::pair<double, double> range(double from, double to) const;
    /// Index of the point nearest to x, -1 when empty.
    int nearest(double x) const;

  private:
    // The extremes of kBlock neighbouring points: a view of half a million points looks at
    // thousands of these instead.
    struct Block {
        size_t least = 0;
        size_t most = 0;
        bool has_finite = false;
    };

    std::pair<size_t, size_t> slice(double from, double to) const;
    void noteInBlock(size_t index);
    std::vector<size_t> extremes(size_t first, size_t last) const;

    std::vector<double> m_x;
    std::vector<double> m_y;
    std::vector<Block> m_blocks;
};

}  // namespace dayrun::ui
