// What is about to become a source: detected format and set, the columns and how they are mapped,
// the first samples, the first failing line with its place, licence and warning. Everything can be
// changed before it is added, or afterwards. Ui thread; files are read by jobs.
#pragma once

#include <QDialog>
#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/data/inspect.h"
#include "core/recipe/recipe.h"
#include "ui/look/job.h"
#include "ui/stages/data/source_look.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;
class QTextEdit;

namespace dayrun::ui {

class ColumnMapping;

class ImportSheet : public QDialog {
    Q_OBJECT

  public:
    enum class Use { AddSources, ChangeSource };

    /// `folder` is where relative paths of the specs start.
    ImportSheet(std::vector<core::DataSpec> sources, std::filesystem::path folder, Use use,
                QWidget* parent);
    /// The sources as they are chosen now, without those whose files cannot be read.
    std::vector<core::DataSpec> sources() const;

    QComboBox* converterBox() const { return m_converter; }
    ColumnMapping* mapping() const { return m_mapping; }
    QLineEdit* nameBox() const { return m_name; }
    QPushButton* acceptButton() const { return m_accept; }
    QString problemText() const;
    QString factsText() const;
    /// Nothing is read at the moment.
    bool isQuiet() const;

  private:
    struct Entry {
        core::DataSpec spec;
        std::optional<core::Result<core::FileInspection>> file;  // of its first file
        std::optional<core::Result<SourceLook>> look;
        Job file_job, look_job;
    };

    QWidget* makeList(Use use);
    QWidget* makeDetails();
    void fillConverters();
    void show(int index);
    void startFile(size_t index);
    void startLook(size_t index);
    void takeFile(size_t index, core::Result<core::FileInspection> file);
    void showEntry();
    void showLook(const Entry& entry);
    void chooseConverter();
    void changeMapping();
    bool isByColumns(const core::DataSpec& spec) const;
    bool isUsable(const Entry& entry) const;
    void showAcceptable();

    std::filesystem::path m_folder;
    Use m_purpose;
    std::vector<Entry> m_entries;
    size_t m_current = 0;
    QListWidget* m_list = nullptr;
    QLabel* m_path;
    QLabel* m_facts;
    QLineEdit* m_name;
    QComboBox* m_use;
    QComboBox* m_converter;
    ColumnMapping* m_mapping;
    QLabel* m_warning;
    QLabel* m_problem;
    QTextEdit* m_preview;
    QPushButton* m_accept;
};

}  // namespace dayrun::ui
