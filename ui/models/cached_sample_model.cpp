// Neighbours: core/compile/cache holds the columns, stages/data/tokens_page.cpp fills and shows.
#include "ui/models/cached_sample_model.h"

#include "core/base/units.h"
#include "core/compile/cache/token_cache.h"
#include "ui/look/text.h"
#include "ui/models/lens_reader.h"

namespace dayrun::ui {
void CachedSampleModel::clear() {
    setSamples(nullptr, {});
}

void CachedSampleModel::setSamples(std::shared_ptr<const Prepared> prepared,
                                   std::vector<core::SampleRef> samples) {
    beginResetModel();
    m_prepared = std::move(prepared);
    m_samples = std::move(samples);
    m_plan.reset();
    endResetModel();
}

void CachedSampleModel::setRows(std::shared_ptr<const Prepared> prepared,
                                std::shared_ptr<const core::EpochPlan> plan) {
    beginResetModel();
    m_prepared = std::move(prepared);
    m_samples.clear();
    m_plan = std::move(plan);
    endResetModel();
}

int CachedSampleModel::rowCount(const QModelIndex& parent) const {
    if (parent.isValid()) return 0;
    return static_cast<int>(m_plan ? m_plan->rows.size() : m_samples.size());
}

int CachedSampleModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumnCount;
}

QString CachedSampleModel::sampleText(int row, int column) const {
    const core::SampleRef ref = sample(row);
    const core::TokenCache& cache = m_prepared->data->cache(ref.source_index);
    switch (column) {
        case Name:
            return tr("%1, row %2")
                .arg(toQt(m_prepared->data->sources[ref.source_index].name),
                     numberText(static_cast<int64_t>(cache.row_indices[ref.row]) + 1));
        case Tokens:
            return numberText(cache.token_counts[ref.row]);
        case Trained:
            return numberText(cache.target_counts[ref.row]);
        default:
            break;
    }
    QStringList notes;
    if (const std::string left = leftOutText(cache.statuses[ref.row]); !left.empty()) {
        notes << tr("left out: %1").arg(toQt(left));
    }
    if (cache.truncated_counts[ref.row] > 0) {
        notes << tr("%1 tokens cut off").arg(numberText(cache.truncated_counts[ref.row]));
    }
    if (cache.lost_stop[ref.row] != 0) notes << tr("stop token lost");
    return notes.join(QStringLiteral(", "));
}

QString CachedSampleModel::rowText(int row, int column) const {
    const auto& documents = m_plan->rows[static_cast<size_t>(row)];
    int64_t tokens = 0;
    int64_t trained = 0;
    for (const uint32_t place : documents) {
        const core::SampleRef ref = m_plan->samples[place];
        const core::TokenCache& cache = m_prepared->data->cache(ref.source_index);
        tokens += cache.token_counts[ref.row];
        trained += cache.target_counts[ref.row];
    }
    switch (column) {
        case Name:
            return tr("packed row %1").arg(numberText(row + 1));
        case Tokens:
            return numberText(tokens);
        case Trained:
            return numberText(trained);
        default:
            return counted(static_cast<qint64>(documents.size()), tr("document"), tr("documents"));
    }
}

QVariant CachedSampleModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) return {};
    if (role == Qt::TextAlignmentRole && (index.column() == Tokens || index.column() == Trained)) {
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole) return {};
    return m_plan ? rowText(index.row(), index.column()) : sampleText(index.row(), index.column());
}

QVariant CachedSampleModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) {
        const bool is_number = section == Tokens || section == Trained;
        return QVariant((is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole) return {};
    switch (section) {
        case Name:
            return m_plan ? tr("Packed row") : tr("Sample");
        case Tokens:
            return tr("Tokens");
        case Trained:
            return tr("Trained");
        case Note:
            return m_plan ? tr("Holds") : tr("Note");
        default:
            return {};
    }
}

}  // namespace dayrun::ui
