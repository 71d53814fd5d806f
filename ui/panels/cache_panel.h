// The project's token caches: what each weighs and whether the draft uses it, and deleting them. A
// dialog; reading and deleting are jobs. Ui thread.
#pragma once

#include <QDialog>
#include <filesystem>
#include <set>
#include <vector>

#include "core/compile/cache/cache_folder.h"
#include "ui/look/job.h"

class QLabel;
class QPushButton;
class QTableWidget;

namespace dayrun::ui {

/// Which of the caches the draft's data was read from: file -> source.
using CachesInUse = std::vector<std::pair<std::filesystem::path, QString>>;

class CachePanel : public QDialog {
    Q_OBJECT

  public:
    CachePanel(std::filesystem::path folder, CachesInUse in_use, QWidget* parent = nullptr);

    QTableWidget* table() const { return m_table; }
    QPushButton* pruneButton() const { return m_prune; }
    QPushButton* clearButton() const { return m_clear; }
    QString summaryText() const;

  Q_SIGNALS:
    /// Caches that the draft used are gone: whoever shows them builds them anew.
    void usedCachesGone();

  private:
    QString usedBy(const std::filesystem::path& file) const;
    void readFolder();
    void showFiles();
    void remove(bool with_used);

    std::filesystem::path m_folder;
    CachesInUse m_in_use;
    std::vector<core::CacheFile> m_files;
    QLabel* m_summary;
    QTableWidget* m_table;
    QPushButton* m_prune;
    QPushButton* m_clear;
    Job m_job;
};

}  // namespace dayrun::ui
