// The tokens of the lens as a table: id, piece, part, trained or masked, document, position. The
// same facts as the coloured text, for reading on and for screen readers. Ui thread.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "core/compile/token_lens.h"

namespace dayrun::ui {

class LensTokenModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Place, Id, Piece, Part, Trained, Document, kColumnCount };

    using QAbstractTableModel::QAbstractTableModel;
    void setTokens(std::vector<core::LensToken> tokens);
    const std::vector<core::LensToken>& tokens() const { return m_tokens; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  private:
    std::vector<core::LensToken> m_tokens;
};

}  // namespace dayrun::ui
