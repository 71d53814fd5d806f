// The recipe's data sources as cards: name, files, rows, licence, and a warning on what should not
// be trained on. Rows are counted by a job per source; a long file is estimated from its first
// seconds. Ui thread.
#pragma once

#include <QWidget>
#include <memory>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"
#include "ui/look/job.h"
#include "ui/stages/data/source_look.h"

class QLabel;
class QVBoxLayout;

namespace dayrun::ui {

class Card;
class ElidedLabel;

/// A warning against training on a source, with its sign.
QString warningText(const std::string& warning);

class SourceCards : public QWidget {
    Q_OBJECT

  public:
    explicit SourceCards(QWidget* parent = nullptr);
    void setSources(const core::Recipe& recipe);
    void setCurrent(int index);
    int current() const { return m_current; }
    int count() const { return static_cast<int>(m_entries.size()); }
    /// Null until counted, or an error.
    const core::Result<SourceLook>* counted(int index) const;

  Q_SIGNALS:
    void chosen(int index);
    void countsChanged();

  private:
    struct Entry {
        core::DataSpec spec;
        Card* card = nullptr;
        ElidedLabel* rows = nullptr;
        ElidedLabel* licence = nullptr;
        QLabel* warning = nullptr;
        std::unique_ptr<core::Result<SourceLook>> result;
        Job job;
    };

    void addCard(size_t index, const std::filesystem::path& folder);
    void showCount(size_t index);

    std::filesystem::path m_folder;
    std::vector<Entry> m_entries;
    QVBoxLayout* m_column;
    int m_current = -1;
};

}  // namespace dayrun::ui
