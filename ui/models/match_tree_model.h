// Rows that say the same as another one, in groups: duplicates under the row that stays for them,
// training rows under the evaluation set that they overlap with. A hundred thousand lines cost
// what is looked at. Ui thread.
#pragma once

#include <QAbstractItemModel>
#include <memory>
#include <optional>
#include <vector>

#include "ui/project/prepared_data.h"

namespace dayrun::ui {

/// One line: a row of the training data and what it matches.
struct RowMatch {
    core::SampleRef row;
    std::optional<core::SampleRef> other;  // in the caches
    uint32_t set = 0;                      // or of OverlapReport::sets, and
    int64_t fileRow = 0;                   // its row there, from 0
    bool isEqual = true;                   // equal inputs or texts, not words alone
    double similarity = 1;                 // of near duplicates
    int32_t words = 0;                     // the shared stretch, in words
    QString otherPlace;                    // "test.jsonl:17"
};

struct MatchGroup {
    QString title;
    QString note;  // how many rows, of what
    std::vector<RowMatch> matches;
};

class MatchTreeModel : public QAbstractItemModel {
    Q_OBJECT

  public:
    enum Column { Row, Other, How, kColumnCount };
    enum class Kind { Duplicates, Overlap };

    explicit MatchTreeModel(Kind kind, QObject* parent = nullptr);
    void setGroups(std::shared_ptr<const Prepared> prepared, std::vector<MatchGroup> groups);

    const std::shared_ptr<const Prepared>& prepared() const { return m_prepared; }
    const std::vector<MatchGroup>& groups() const { return m_groups; }
    const RowMatch* match(const QModelIndex& index) const;
    const MatchGroup* group(const QModelIndex& index) const;

    QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    QModelIndex parent(const QModelIndex& index) const override;
    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    QString howText(const RowMatch& match) const;

    Kind m_kind;
    std::shared_ptr<const Prepared> m_prepared;
    std::vector<MatchGroup> m_groups;
};

}  // namespace dayrun::ui
