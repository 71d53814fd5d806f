// An open project as the window sees it: the folder with its records, the draft recipe, and the
// undo stack through which alone the draft changes. A started run owns a frozen copy of its recipe;
// this document only ever shows the draft. Ui thread.
#pragma once

#include <QObject>
#include <QStringList>
#include <QUndoStack>
#include <memory>

#include "core/base/result.h"
#include "core/recipe/recipe.h"
#include "core/records/project.h"

namespace dayrun::ui {

class ProjectDocument : public QObject {
    Q_OBJECT

  public:
    enum class OpenAs { Existing, CreateIfMissing };

    /// Opens the folder and its newest recipe; a project without one gets an empty draft. A recipe
    /// that cannot be read does not keep the project closed: see recipeProblem().
    static core::Result<std::unique_ptr<ProjectDocument>> open(const std::filesystem::path& folder,
                                                               OpenAs open_as);
    ~ProjectDocument() override;

    core::Project& project() { return *m_project; }
    const core::Project& project() const { return *m_project; }
    QString title() const;
    const core::Recipe& recipe() const { return m_recipe; }
    QUndoStack& undoStack() { return m_undo; }
    /// The file that save() writes, and why it could not be read (empty when it could).
    const std::filesystem::path& recipeFile() const { return m_file; }
    QString recipeProblem() const { return m_problem; }
    /// All recipes of the project's folder, newest first.
    std::vector<std::filesystem::path> recipeFiles() const;

    /// Changes one value of the draft as an undoable command; on an error nothing changes.
    core::Result<void> setSetting(const QString& key, const QString& value);
    /// The path as the recipe should write it: relative inside the project, else absolute.
    QString portable(const std::filesystem::path& path) const;
    /// Changes several values as one command with this text; on an error nothing changes.
    core::Result<void> setSettings(const QString& text,
                                   const std::vector<std::pair<QString, QString>>& values);
    /// A file or folder as a data source of this recipe, named after it; `taken` are names that are
    /// not free besides those of the recipe. Nothing changes.
    core::DataSpec draftSource(const std::filesystem::path& path,
                               const std::vector<core::DataSpec>& taken = {}) const;
    /// Adds sources as one command.
    void addSources(const std::vector<core::DataSpec>& sources);
    /// Puts another spec in a source's place.
    void changeSource(size_t index, const core::DataSpec& source);
    void removeSource(size_t index);
    /// Leaves out single rows, each a source and a number from 1, as one command; BadRecipe when
    /// the recipe would name more than a person can read.
    core::Result<void> dropRows(const std::vector<std::pair<size_t, int64_t>>& rows);
    /// Uses a row again that was left out by its number, or with 0 all of the source's.
    void bringBack(size_t source, int64_t row);
    /// Replaces overlap.files as one command with this text.
    void setEvaluationFiles(const QString& text, const std::vector<std::string>& files);
    void applyRecipe(const core::Recipe& recipe, const QString& from);

    /// Writes recipeFile(). BadRecipe when it holds something else than this document has read or
    /// written, FileMissing when it is gone: neither is overwritten or made anew in silence.
    core::Result<void> save();
    /// Writes a file that the person has chosen, whatever is in it.
    core::Result<void> saveAs(const std::filesystem::path& file);
    /// Opens another recipe as the draft and clears the undo stack.
    core::Result<void> loadRecipe(const std::filesystem::path& file);

    /// For commands only: everything else goes through the undo stack.
    void replaceRecipe(const core::Recipe& recipe);

  Q_SIGNALS:
    void recipeChanged();
    void recipeFileChanged();

  private:
    explicit ProjectDocument(std::unique_ptr<core::Project> project);
    core::Result<void> checkFileIsOurs(const std::string& text) const;

    std::unique_ptr<core::Project> m_project;
    core::Recipe m_recipe;
    std::filesystem::path m_file;
    std::string m_file_sha256;  // of what is known to be in it; empty when it is not there yet
    QString m_problem;
    QUndoStack m_undo;
};

}  // namespace dayrun::ui
