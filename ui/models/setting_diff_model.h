// Runs side by side as a table: results first (best of a row marked), then settings, all of them or
// only those that differ. Ui thread; values come from a Comparison.
#pragma once

#include <QAbstractTableModel>

#include "core/records/compare.h"

namespace dayrun::ui {

class SettingDiffModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum class Show { DifferencesOnly, Everything };

    using QAbstractTableModel::QAbstractTableModel;
    /// `all` holds every setting of every run, in the order of the comparison's runs.
    void setComparison(core::Comparison comparison, std::vector<core::SettingDiff> all);
    void setShow(Show show);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    struct Row {
        QString name;
        QStringList values;
        int best = -1;  // column of the best value
        bool differs = false;
        QString help;
    };

    void build();
    void addResult(const QString& name, const std::vector<double>& values,
                   const std::function<QString(double)>& text, bool less_is_better);
    void addSetting(const core::SettingDiff& setting);

    core::Comparison m_comparison;
    std::vector<core::SettingDiff> m_all;
    std::vector<Row> m_rows;
    Show m_show = Show::DifferencesOnly;
};

}  // namespace dayrun::ui
