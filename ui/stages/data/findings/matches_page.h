// What the pages of duplicates and of overlap have in common: groups of rows that say the same as
// another one, both texts side by side, and a button that leaves rows out (a line of the recipe, so
// undo brings them back). Ui thread; finding and reading are jobs.
#pragma once

#include <QWidget>
#include <functional>
#include <memory>

#include "ui/look/job.h"
#include "ui/models/match_tree_model.h"
#include "ui/stages/stage.h"

class QLabel;
class QPushButton;
class QTreeView;
class QVBoxLayout;

namespace dayrun::ui {

class PreparedData;
class SourceRows;
class TextPairView;

class MatchesPage : public QWidget {
    Q_OBJECT

  public:
    QTreeView* tree() const { return m_tree; }
    MatchTreeModel& matches() const { return *m_matches; }
    TextPairView* pair() const { return m_pair; }
    QPushButton* leaveOutButton() const { return m_leave_out; }
    QString summaryText() const;
    bool isLooking() const { return m_is_looking; }
    /// Selects a match, or with `match` -1 the group itself.
    void select(int group, int match);

  protected:
    using Groups = std::vector<MatchGroup>;
    using Finder = std::function<core::Result<Groups>(const Prepared&, std::stop_token)>;

    MatchesPage(MatchTreeModel::Kind kind, StageContext context, PreparedData& prepared,
                std::shared_ptr<SourceRows> rows, QWidget* parent);
    /// Where a page puts its own controls: above and below the groups.
    QVBoxLayout* above() const { return m_above; }
    QVBoxLayout* below() const { return m_below; }
    /// Runs the page's search when the data or `what` is another than before.
    void look(const QString& what, Lane lane, Finder finder);

    /// Called when the data has changed or the page is shown: the page calls look().
    virtual void refresh() = 0;
    /// The sentence above the groups that were found.
    virtual QString foundText(const Prepared& prepared, const Groups& groups) const = 0;
    /// The rows that "Leave out" takes for a line.
    virtual std::vector<core::SampleRef> droppable(const QModelIndex& line) const = 0;
    /// Why "Leave out" takes nothing for a line, or what it would do; "" when that is plain.
    virtual QString dropNote(const QModelIndex& line) const = 0;
    /// Words in a row that count as shared.
    virtual size_t sharedWords(const Prepared& prepared) const = 0;

    void showEvent(QShowEvent* event) override;

    StageContext m_context;
    PreparedData& m_prepared;

  private:
    QWidget* makeGroups();
    void showGroups(Groups groups);
    void showSummary();
    void showSelected();
    void showButton();
    void leaveOut();
    std::vector<core::SampleRef> chosen() const;

    std::shared_ptr<SourceRows> m_rows;
    QVBoxLayout* m_above;
    QVBoxLayout* m_below;
    QLabel* m_summary;
    MatchTreeModel* m_matches;
    QTreeView* m_tree;
    TextPairView* m_pair;
    QPushButton* m_leave_out;
    QLabel* m_drop_note;
    std::shared_ptr<const Prepared> m_looked_at;
    QString m_looked_for;
    QString m_problem;  // of the last search
    bool m_is_looking = false;
    Job m_look_job;
    Job m_pair_job;
};

}  // namespace dayrun::ui
