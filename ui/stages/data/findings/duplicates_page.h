// Duplicates in groups: those that mix.dedupe leaves out, or what another way of comparing would
// find among the rows in use. Ui thread.
#pragma once

#include "ui/stages/data/findings/matches_page.h"

class QComboBox;

namespace dayrun::ui {

class DuplicatesPage : public MatchesPage {
    Q_OBJECT

  public:
    DuplicatesPage(StageContext context, PreparedData& prepared, std::shared_ptr<SourceRows> rows,
                   QWidget* parent = nullptr);
    QComboBox* comparedBox() const { return m_compared; }

  protected:
    void refresh() override;
    QString foundText(const Prepared& prepared, const Groups& groups) const override;
    std::vector<core::SampleRef> droppable(const QModelIndex& line) const override;
    QString dropNote(const QModelIndex& line) const override;
    size_t sharedWords(const Prepared& prepared) const override;

  private:
    core::DedupeMode compared() const;
    /// The recipe itself leaves out what is shown.
    bool isOfRecipe(const Prepared& prepared) const;

    QComboBox* m_compared;
};

}  // namespace dayrun::ui
