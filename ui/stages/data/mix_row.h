// One source in the mix editor: include tick, slider, number and what comes of them. Owns no
// setting: it says what the person wants, and shows what it is told. Ui thread.
#pragma once

#include <QObject>

#include "core/recipe/recipe.h"
#include "ui/models/live_mix.h"

class QCheckBox;
class QGridLayout;
class QLabel;
class QSlider;

namespace dayrun::ui {

class NumberField;

class MixRow : public QObject {
    Q_OBJECT

  public:
    /// Puts its widgets into row `row` of the grid.
    MixRow(int source, const QString& name, QGridLayout* grid, int row, QObject* parent);

    /// `others_weight` is the sum of the other sources' weights: the slider is a share of all.
    void showSource(const core::DataSpec& spec, bool is_by_weight, double others_weight);
    /// `is_old`: the figures are those of before a change that needs the data again.
    void showFigures(const MixShare& share, bool is_old);

    QCheckBox* includeBox() const { return m_include; }
    QSlider* slider() const { return m_slider; }
    NumberField* number() const { return m_number; }

  Q_SIGNALS:
    void weightWanted(int source, double weight);
    void copiesWanted(int source, int copies);
    void includeWanted(int source, bool included);

  private:
    void slide(int place);

    int m_source;
    bool m_is_by_weight = false;
    double m_others_weight = 0;
    QCheckBox* m_include;
    QSlider* m_slider;
    NumberField* m_number;
    QLabel* m_rows;
    QLabel* m_tokens;
    QLabel* m_epochs;
    QLabel* m_share;
};

/// Whether the recipe takes rows of this source at all: a weight of 0 or `take` 0 leaves it out.
bool isIncluded(const core::DataSpec& spec);

}  // namespace dayrun::ui
