// Neighbour: stages/compare/compare_stage.cpp.
#include "ui/models/run_table_model.h"

#include <QDateTime>
#include <QFont>
#include <cmath>

#include "core/base/units.h"
#include "ui/bridge/run_text.h"
#include "ui/look/text.h"

namespace dayrun::ui {

void RunTableModel::setRuns(std::vector<core::RunRecord> runs) {
    beginResetModel();
    m_runs = std::move(runs);
    QSet<QString> still_there;
    for (const core::RunRecord& run : m_runs) {
        const QString id = toQt(run.run_id);
        if (m_ticked.contains(id)) still_there.insert(id);
    }
    m_ticked = still_there;
    endResetModel();
}

std::vector<std::string> RunTableModel::ticked() const {
    std::vector<std::string> ids;
    for (const core::RunRecord& run : m_runs) {
        if (m_ticked.contains(toQt(run.run_id))) ids.push_back(run.run_id);
    }
    return ids;
}

void RunTableModel::setTicked(const QString& run_id, bool is_ticked) {
    for (int row = 0; row < rowCount(); ++row) {
        if (toQt(m_runs[static_cast<size_t>(row)].run_id) == run_id) {
            setData(index(row, Name), is_ticked ? Qt::Checked : Qt::Unchecked, Qt::CheckStateRole);
        }
    }
}

int RunTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_runs.size());
}

int RunTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumnCount;
}

int RunTableModel::bestRow() const {
    int best = -1;
    for (int row = 0; row < rowCount(); ++row) {
        const double loss = m_runs[static_cast<size_t>(row)].best_eval_loss;
        if (!std::isfinite(loss)) continue;
        if (best < 0 || loss < m_runs[static_cast<size_t>(best)].best_eval_loss) best = row;
    }
    return best;
}

QString RunTableModel::text(const core::RunRecord& run, int column) const {
    switch (column) {
        case Name:
            return run.name.empty() ? toQt(run.run_id) : toQt(run.name);
        case State:
            return stateSign(run.state) + QLatin1Char(' ') +
                   (run.interrupted ? tr("Interrupted") : stateText(run.state));
        case BestLoss:
            return lossText(run.best_eval_loss);
        case LastLoss:
            return lossText(run.last_loss);
        case Steps:
            return run.total_steps > 0 ? tr("%1 of %2")
                                             .arg(toQt(core::format_count(run.last_step)),
                                                  toQt(core::format_count(run.total_steps)))
                                       : toQt(core::format_count(run.last_step));
        case Duration:
            return durationText(run.wall_s);
        case Started:
            return QDateTime::fromMSecsSinceEpoch(static_cast<qint64>(run.started_at * 1000))
                .toString(QStringLiteral("d MMM HH:mm"));
        default:
            return {};
    }
}

QVariant RunTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const core::RunRecord& run = m_runs[static_cast<size_t>(index.row())];
    const bool is_best = index.column() == BestLoss && rowCount() > 1 && index.row() == bestRow();
    switch (role) {
        case Qt::DisplayRole: {
            const QString value = text(run, index.column());
            return is_best ? QStringLiteral("\u2605 ") + value : value;
        }
        case Qt::ToolTipRole:
            if (is_best) return tr("The least validation loss of all runs");
            return index.column() == Name ? tr("Run %1").arg(toQt(run.run_id))
                                          : text(run, index.column());
        case Qt::CheckStateRole:
            if (index.column() != Name) return {};
            return m_ticked.contains(toQt(run.run_id)) ? Qt::Checked : Qt::Unchecked;
        case Qt::TextAlignmentRole:
            if (index.column() < BestLoss || index.column() == Started) return {};
            return QVariant(Qt::AlignRight | Qt::AlignVCenter);
        case Qt::FontRole:
            if (is_best) {
                QFont font;
                font.setWeight(QFont::DemiBold);
                return font;
            }
            return {};
        default:
            return {};
    }
}

bool RunTableModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (role != Qt::CheckStateRole || index.column() != Name) return false;
    const QString id = toQt(m_runs[static_cast<size_t>(index.row())].run_id);
    if (value.toInt() == Qt::Checked) {
        m_ticked.insert(id);
    } else {
        m_ticked.remove(id);
    }
    Q_EMIT dataChanged(index, index, {Qt::CheckStateRole});
    Q_EMIT tickedChanged();
    return true;
}

Qt::ItemFlags RunTableModel::flags(const QModelIndex& index) const {
    Qt::ItemFlags flags = QAbstractTableModel::flags(index);
    if (index.column() == Name) flags |= Qt::ItemIsUserCheckable;
    return flags;
}

QVariant RunTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    const bool is_number = section >= BestLoss && section != Started;
    if (role == Qt::TextAlignmentRole) {
        return QVariant((is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole) return {};
    switch (section) {
        case Name:
            return tr("Run");
        case State:
            return tr("State");
        case BestLoss:
            return tr("Best validation loss");
        case LastLoss:
            return tr("Last loss");
        case Steps:
            return tr("Steps");
        case Duration:
            return tr("Time");
        case Started:
            return tr("Started");
        default:
            return {};
    }
}

}  // namespace dayrun::ui
