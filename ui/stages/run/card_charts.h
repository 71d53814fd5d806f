// Charts of what the card does: memory, load, power, temperature and clock over the minutes that
// the window watches. A figure that the card does not tell has no chart. Ui thread.
#pragma once

#include <QWidget>
#include <array>
#include <vector>

#include "ui/bridge/card_watch.h"

class QGridLayout;

namespace dayrun::ui {

class ChartView;
class Crosshair;

class CardCharts : public QWidget {
    Q_OBJECT

  public:
    explicit CardCharts(QWidget* parent = nullptr);
    /// Draws all moments; hides itself when there is none.
    void setMoments(const std::vector<CardMoment>& moments);
    /// Charts that are shown now.
    int shownCount() const;

  private:
    struct Figure {
        QWidget* card = nullptr;
        ChartView* chart = nullptr;
    };
    static constexpr size_t kFigures = 5;

    Crosshair* m_crosshair;
    std::array<Figure, kFigures> m_figures;
};

}  // namespace dayrun::ui
