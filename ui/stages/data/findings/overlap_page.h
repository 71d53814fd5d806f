// Training rows that also stand in validation or test rows or in the evaluation files that the
// person names, by set and source. Ui thread.
#pragma once

#include <QStringList>

#include "ui/stages/data/findings/matches_page.h"

class QTableWidget;

namespace dayrun::ui {

class OverlapPage : public MatchesPage {
    Q_OBJECT

  public:
    OverlapPage(StageContext context, PreparedData& prepared, std::shared_ptr<SourceRows> rows,
                QWidget* parent = nullptr);
    /// Names files or folders as evaluation sets; one undoable command.
    void addFiles(const QStringList& paths);
    /// Takes the selected set's file out of the recipe.
    void removeFile();
    QTableWidget* sets() const { return m_sets; }

  protected:
    void refresh() override;
    QString foundText(const Prepared& prepared, const Groups& groups) const override;
    std::vector<core::SampleRef> droppable(const QModelIndex& line) const override;
    QString dropNote(const QModelIndex& line) const override;
    size_t sharedWords(const Prepared& prepared) const override;

  private:
    void makeSets();
    void showSets();
    void showRemovable();
    QString selectedFile() const;

    QTableWidget* m_sets;
    QPushButton* m_remove_file;
};

}  // namespace dayrun::ui
