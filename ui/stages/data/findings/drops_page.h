// Rows that are left out, by source and reason with examples: a click on an example shows its row.
// Rows left out by number can be brought back. Ui thread.
#pragma once

#include <QWidget>

#include "core/compile/cache/compiled_data.h"
#include "ui/stages/stage.h"

class QLabel;
class QPushButton;
class QTreeWidget;
class QTreeWidgetItem;

namespace dayrun::ui {

class PreparedData;

class DropsPage : public QWidget {
    Q_OBJECT

  public:
    DropsPage(StageContext context, PreparedData& prepared, QWidget* parent = nullptr);

    QTreeWidget* tree() const { return m_tree; }
    QPushButton* bringBackButton() const { return m_bring_back; }
    QString summaryText() const;

  Q_SIGNALS:
    /// An example of a source was chosen: "row 17", "train.jsonl:17: it is not JSON".
    void exampleChosen(int source, const QString& example);

  protected:
    void showEvent(QShowEvent* event) override;

  private:
    void showDrops();
    int64_t addSource(int index, const core::SourceReport& report);
    void choose(const QTreeWidgetItem* item);
    void showBringBack();
    void bringBack();

    StageContext m_context;
    PreparedData& m_prepared;
    QLabel* m_summary;
    QTreeWidget* m_tree;
    QPushButton* m_bring_back;
};

}  // namespace dayrun::ui
