// What the data steps found: rows left out by reason, duplicates, or overlap between what is
// trained and what is measured, each by source with examples and their places, under the settings
// that decide it. Ui thread.
#pragma once

#include <QWidget>

#include "core/tokens/cache/data_compiler.h"
#include "ui/stages/stage.h"

class QLabel;
class QTreeWidget;
class QTreeWidgetItem;

namespace dayrun::ui {

class PreparedData;

class FindingsPage : public QWidget {
    Q_OBJECT

  public:
    enum class Kind { LeftOut, Duplicates, Overlap };
    FindingsPage(Kind kind, StageContext context, PreparedData& prepared,
                 QWidget* parent = nullptr);

    QTreeWidget* tree() const { return m_tree; }
    QString summaryText() const;

  private:
    void showFindings();
    int64_t addDrops(const core::CompiledData& data);
    int64_t addOverlap(const core::CompiledData& data);
    QTreeWidgetItem* addLine(QTreeWidgetItem* under, const QString& what, int64_t rows,
                             int64_t of_rows);

    Kind m_kind;
    PreparedData& m_prepared;
    QLabel* m_summary;
    QTreeWidget* m_tree;
};

}  // namespace dayrun::ui
