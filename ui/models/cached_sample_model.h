// Cached samples, or packed rows of an epoch, as a virtual table: what the tokens page lists. The
// figures are columns of the caches, read when a line is drawn. Ui thread.
#pragma once

#include <QAbstractTableModel>
#include <memory>
#include <vector>

#include "ui/project/prepared_data.h"

namespace dayrun::ui {

class CachedSampleModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Name, Tokens, Trained, Note, kColumnCount };

    using QAbstractTableModel::QAbstractTableModel;
    void clear();
    void setSamples(std::shared_ptr<const Prepared> prepared, std::vector<core::SampleRef> samples);
    void setRows(std::shared_ptr<const Prepared> prepared,
                 std::shared_ptr<const core::EpochPlan> plan);
    bool isOfRows() const { return m_plan != nullptr; }
    const std::shared_ptr<const Prepared>& prepared() const { return m_prepared; }
    const std::shared_ptr<const core::EpochPlan>& plan() const { return m_plan; }
    core::SampleRef sample(int row) const { return m_samples[static_cast<size_t>(row)]; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    QString sampleText(int row, int column) const;
    QString rowText(int row, int column) const;

    std::shared_ptr<const Prepared> m_prepared;
    std::vector<core::SampleRef> m_samples;
    std::shared_ptr<const core::EpochPlan> m_plan;
};

}  // namespace dayrun::ui
