// The runs of a project as a table with ticks, for Compare. Holds values only; the stage loads them
// by a job. Ui thread.
#pragma once

#include <QAbstractTableModel>
#include <QSet>
#include <vector>

#include "core/records/run_record.h"

namespace dayrun::ui {

class RunTableModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Name, State, BestLoss, LastLoss, Steps, Duration, Started, kColumnCount };

    using QAbstractTableModel::QAbstractTableModel;
    /// New records; ticks of runs that are still there stay.
    void setRuns(std::vector<core::RunRecord> runs);
    const std::vector<core::RunRecord>& runs() const { return m_runs; }
    /// Ids of the ticked runs, in the table's order.
    std::vector<std::string> ticked() const;
    void setTicked(const QString& run_id, bool is_ticked);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  Q_SIGNALS:
    void tickedChanged();

  private:
    QString text(const core::RunRecord& run, int column) const;
    int bestRow() const;

    std::vector<core::RunRecord> m_runs;
    QSet<QString> m_ticked;
};

}  // namespace dayrun::ui
