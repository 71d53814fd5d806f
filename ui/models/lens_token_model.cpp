// Neighbour: panels/token_lens.cpp shows it beside the text.
#include "ui/models/lens_token_model.h"

#include <QFont>

#include "core/base/units.h"
#include "ui/look/text.h"

namespace dayrun::ui {

void LensTokenModel::setTokens(std::vector<core::LensToken> tokens) {
    beginResetModel();
    m_tokens = std::move(tokens);
    endResetModel();
}

int LensTokenModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_tokens.size());
}

int LensTokenModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumnCount;
}

QVariant LensTokenModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) return {};
    const core::LensToken& token = m_tokens[static_cast<size_t>(index.row())];
    const bool is_number = index.column() == Place || index.column() == Id;
    if (role == Qt::TextAlignmentRole && is_number) {
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    }
    if (role == Qt::FontRole && token.is_trained) {
        QFont font;
        font.setWeight(QFont::DemiBold);
        return font;
    }
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
        case Place:
            return toQt(core::format_count(token.position));
        case Id:
            return QString::number(token.id);
        case Piece:
            return toQt(token.piece);
        case Part:
            return toQt(token.part);
        case Trained:
            return token.is_trained ? tr("trained") : tr("masked");
        case Document:
            return QString::number(token.document + 1);
        default:
            return {};
    }
}

QVariant LensTokenModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) {
        const bool is_number = section == Place || section == Id;
        return QVariant((is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole) return {};
    switch (section) {
        case Place:
            return tr("Position");
        case Id:
            return tr("Id");
        case Piece:
            return tr("Piece");
        case Part:
            return tr("Part");
        case Trained:
            return tr("Loss");
        case Document:
            return tr("Document");
        default:
            return {};
    }
}

}  // namespace dayrun::ui
