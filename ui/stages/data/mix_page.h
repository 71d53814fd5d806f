// The mix editor: how much of each source an epoch takes, by copies or by weights, with rows,
// tokens, shares and effective epochs as they move. Every change is a command on the document; a
// dragged slider is one. Ui thread.
#pragma once

#include <QWidget>
#include <map>
#include <utility>
#include <vector>

#include "ui/models/live_mix.h"
#include "ui/stages/stage.h"

class QComboBox;
class QGridLayout;
class QLabel;

namespace dayrun::ui {

class MixRow;
class PreparedData;
class SettingForm;
class ShareBar;

class MixPage : public QWidget {
    Q_OBJECT

  public:
    MixPage(StageContext context, PreparedData& prepared, QWidget* parent = nullptr);

    QComboBox* amountBox() const { return m_amount; }
    const std::vector<MixRow*>& rows() const { return m_rows; }
    const LiveMix& mix() const { return m_mix; }
    ShareBar* shareBar() const { return m_bar; }

  private:
    QWidget* makeTable();
    void showMix();
    void makeRows();
    void showFigures();
    void chooseAmount(int choice);
    void setValue(int source, const char* field, const QString& value);
    void include(int source, bool included);
    double othersWeight(size_t source) const;

    StageContext m_context;
    PreparedData& m_prepared;
    QComboBox* m_amount;
    ShareBar* m_bar;
    QLabel* m_total;
    QLabel* m_state;
    QLabel* m_warnings;
    QWidget* m_table;
    QGridLayout* m_grid;
    SettingForm* m_form;
    std::vector<MixRow*> m_rows;
    QStringList m_names;  // the rows were made for
    /// What a source had that was left out here: (key, value).
    std::map<QString, std::vector<std::pair<QString, QString>>> m_before;
    LiveMix m_mix;
};

}  // namespace dayrun::ui
