// The verbs that change a draft recipe, each one undoable. Every command keeps the recipe before
// and after: a recipe is a few kilobytes, and so undo is exact whatever the key. Ui thread.
#pragma once

#include <QString>
#include <QUndoCommand>

#include "core/recipe/recipe.h"

namespace dayrun::ui {

class ProjectDocument;

/// Common part: swaps whole recipes.
class RecipeCommand : public QUndoCommand {
  public:
    RecipeCommand(ProjectDocument& document, const QString& text, core::Recipe after);
    void redo() override;
    void undo() override;

  protected:
    ProjectDocument& m_document;
    core::Recipe m_before;
    core::Recipe m_after;
};

/// One value. While a slider is dragged or an arrow held, its steps become one command.
class SetSettingCommand final : public RecipeCommand {
  public:
    SetSettingCommand(ProjectDocument& document, const QString& key, core::Recipe after);
    int id() const override;
    bool mergeWith(const QUndoCommand* other) override;

  private:
    void describe();

    QString m_key;
    qint64 m_time_ms;  // of the last change in this command
};

class AddSourceCommand final : public RecipeCommand {
  public:
    AddSourceCommand(ProjectDocument& document, const QString& name, core::Recipe after);
};

class RemoveSourceCommand final : public RecipeCommand {
  public:
    RemoveSourceCommand(ProjectDocument& document, const QString& name, core::Recipe after);
};

/// Several values at once, or the whole recipe of a run; `text` says what was done.
class ApplyRecipeCommand final : public RecipeCommand {
  public:
    ApplyRecipeCommand(ProjectDocument& document, const QString& text, core::Recipe after);
};

}  // namespace dayrun::ui
