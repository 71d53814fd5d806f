// Two levels: an index of a group has id 0, one of its matches the group's number from 1.
#include "ui/models/match_tree_model.h"

#include "ui/look/text.h"

namespace dayrun::ui {
MatchTreeModel::MatchTreeModel(Kind kind, QObject* parent)
    : QAbstractItemModel(parent), m_kind(kind) {}

void MatchTreeModel::setGroups(std::shared_ptr<const Prepared> prepared,
                               std::vector<MatchGroup> groups) {
    beginResetModel();
    m_prepared = std::move(prepared);
    m_groups = std::move(groups);
    endResetModel();
}

const RowMatch* MatchTreeModel::match(const QModelIndex& index) const {
    if (!index.isValid() || index.internalId() == 0) return nullptr;
    return &m_groups[index.internalId() - 1].matches[static_cast<size_t>(index.row())];
}

const MatchGroup* MatchTreeModel::group(const QModelIndex& index) const {
    if (!index.isValid()) return nullptr;
    const size_t place =
        index.internalId() == 0 ? static_cast<size_t>(index.row()) : index.internalId() - 1;
    return &m_groups[place];
}

QModelIndex MatchTreeModel::index(int row, int column, const QModelIndex& parent) const {
    if (!hasIndex(row, column, parent)) return {};
    const auto id = parent.isValid() ? static_cast<quintptr>(parent.row()) + 1 : quintptr{0};
    return createIndex(row, column, id);
}

QModelIndex MatchTreeModel::parent(const QModelIndex& index) const {
    if (!index.isValid() || index.internalId() == 0) return {};
    return createIndex(static_cast<int>(index.internalId()) - 1, 0, quintptr{0});
}

int MatchTreeModel::rowCount(const QModelIndex& parent) const {
    if (!parent.isValid()) return static_cast<int>(m_groups.size());
    if (parent.internalId() != 0 || parent.column() != 0) return 0;
    return static_cast<int>(m_groups[static_cast<size_t>(parent.row())].matches.size());
}

int MatchTreeModel::columnCount(const QModelIndex&) const {
    return kColumnCount;
}

QString MatchTreeModel::howText(const RowMatch& match) const {
    if (m_kind == Kind::Duplicates) {
        return match.isEqual ? tr("equal") : tr("%1 alike").arg(match.similarity, 0, 'f', 2);
    }
    if (match.isEqual) return tr("equal input");
    return tr("%1 words in a row").arg(numberText(match.words));
}

QVariant MatchTreeModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || (role != Qt::DisplayRole && role != Qt::ToolTipRole)) return {};
    const RowMatch* line = match(index);
    if (line == nullptr) {
        const MatchGroup& shown = m_groups[static_cast<size_t>(index.row())];
        if (index.column() == Row) return shown.title;
        return index.column() == How ? shown.note : QString();
    }
    switch (index.column()) {
        case Row:
            return toQt(m_prepared->data->place_of(line->row));
        case Other:
            return line->otherPlace;
        case How:
            return howText(*line);
        default:
            return {};
    }
}

QVariant MatchTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    const bool is_duplicates = m_kind == Kind::Duplicates;
    switch (section) {
        case Row:
            return is_duplicates ? tr("Row that stays, and its duplicates") : tr("Training row");
        case Other:
            return is_duplicates ? tr("Repeats") : tr("Overlaps with");
        case How:
            return is_duplicates ? tr("How much") : tr("How");
        default:
            return {};
    }
}

}  // namespace dayrun::ui
