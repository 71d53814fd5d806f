// One sample or packed row as the trainer reads it: ids, pieces, template parts, trained and masked
// stretches, document borders and the cut-off point, as coloured text and as a table. Colour is
// never alone: parts are named where they begin, trained tokens are bold and underlined. Ui thread;
// reading is a job.
#pragma once

#include <QWidget>

#include "ui/look/job.h"
#include "ui/models/lens_reader.h"
#include "ui/models/lens_search.h"

class QCheckBox;
class QLabel;
class QLineEdit;
class QStackedWidget;
class QTableView;
class QTextCursor;
class QTextEdit;

namespace dayrun::ui {

class LensTokenModel;

class TokenLens : public QWidget {
    Q_OBJECT

  public:
    explicit TokenLens(QWidget* parent = nullptr);
    /// Reads and shows a sample of the recipe; from the cache of `prepared` where that holds it.
    void showSample(const core::Recipe& recipe, const core::Sample& sample,
                    std::shared_ptr<const Prepared> prepared);
    void showPage(LensPage page);
    void clear(const QString& reason);
    /// What is shown; for tests.
    const LensPage& page() const { return m_page; }
    LensTokenModel& tokens() const { return *m_tokens; }
    QLineEdit* searchBox() const { return m_search; }
    /// Places of the searched text, and which of them is marked.
    const std::vector<TokenRange>& found() const { return m_found; }
    int foundAt() const { return m_at; }

  private:
    QWidget* makeBoxes();
    QWidget* makeTable();
    void find();
    void findNext();
    void showFound();
    void draw();
    void drawText();
    void drawDocument(QTextCursor& cursor, int32_t document) const;
    void drawCut(QTextCursor& cursor, int32_t document) const;
    QString summaryText() const;

    LensPage m_page;
    QLabel* m_summary;
    QLabel* m_legend;
    QCheckBox* m_masks;
    QCheckBox* m_ids;
    QCheckBox* m_as_table;
    QLineEdit* m_search;
    QLabel* m_found_label;
    std::vector<TokenRange> m_found;
    int m_at = 0;
    std::vector<std::pair<int, int>> m_places;  // of the drawn tokens in the text
    QStackedWidget* m_stack;
    QTextEdit* m_text;
    QTableView* m_table;
    LensTokenModel* m_tokens;
    Job m_job;
};

}  // namespace dayrun::ui
