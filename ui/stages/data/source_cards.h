// The recipe's data sources as cards: name, files, rows and why rows are missing. Rows are counted
// by a job per source; a long file is estimated from its first seconds. Ui thread.
#pragma once

#include <QWidget>
#include <memory>
#include <vector>

#include "core/base/result.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"
#include "ui/bridge/job.h"

class QVBoxLayout;

namespace dayrun::ui {

class Card;
class ElidedLabel;

/// What a look through a source found.
struct SourceCount {
    int64_t rows = 0;
    bool is_estimate = false;  // the file is long: rows of the part read, scaled by bytes
    int64_t bytes = 0;
    int64_t files = 0;
    int64_t bad_rows = 0;
    std::string converter;
    core::DropReport dropped;
};

core::Result<SourceCount> countSource(const core::DataSpec& spec,
                                      const std::filesystem::path& folder, std::stop_token stop);

class SourceCards : public QWidget {
    Q_OBJECT

  public:
    explicit SourceCards(QWidget* parent = nullptr);
    void setSources(const core::Recipe& recipe);
    void setCurrent(int index);
    int current() const { return m_current; }
    int count() const { return static_cast<int>(m_entries.size()); }
    /// Null until counted, or an error.
    const core::Result<SourceCount>* counted(int index) const;

  Q_SIGNALS:
    void chosen(int index);
    void countsChanged();

  private:
    struct Entry {
        core::DataSpec spec;
        Card* card = nullptr;
        ElidedLabel* rows = nullptr;
        std::unique_ptr<core::Result<SourceCount>> result;
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
