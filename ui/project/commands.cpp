// Bodies of the verbs; the text of each names the thing ("rank 16 to 64").
#include "ui/project/commands.h"

#include <QCoreApplication>
#include <QDateTime>

#include "core/recipe/recipe_schema.h"
#include "ui/look/text.h"
#include "ui/project/project_document.h"

namespace dayrun::ui {
namespace {

constexpr int kSetSettingId = 1;
// Changes of one key that follow each other faster than this belong to one movement of the hand.
constexpr qint64 kMergeWithinMs = 700;

QString tr(const char* text) {
    return QCoreApplication::translate("Commands", text);
}

QString shortValue(const std::string& value) {
    QString text = value.empty() ? tr("empty") : toQt(value);
    if (text.size() > 28) text = text.left(27) + QChar(0x2026);
    return text;
}

}  // namespace

RecipeCommand::RecipeCommand(ProjectDocument& document, const QString& text, core::Recipe after)
    : QUndoCommand(text),
      m_document(document),
      m_before(document.recipe()),
      m_after(std::move(after)) {}

void RecipeCommand::redo() {
    m_document.replaceRecipe(m_after);
}
void RecipeCommand::undo() {
    m_document.replaceRecipe(m_before);
}

SetSettingCommand::SetSettingCommand(ProjectDocument& document, const QString& key,
                                     core::Recipe after)
    : RecipeCommand(document, {}, std::move(after)),
      m_key(key),
      m_time_ms(QDateTime::currentMSecsSinceEpoch()) {
    describe();
}

void SetSettingCommand::describe() {
    const std::string key = toStd(m_key);
    const core::SettingInfo* info = core::find_setting(key);
    const QString name = info == nullptr ? m_key : toQt(info->label);
    setText(tr("%1 %2 to %3")
                .arg(name, shortValue(core::setting_value(m_before, key)),
                     shortValue(core::setting_value(m_after, key))));
}

int SetSettingCommand::id() const {
    return kSetSettingId;
}

bool SetSettingCommand::mergeWith(const QUndoCommand* other) {
    const auto* next = static_cast<const SetSettingCommand*>(other);
    if (next->m_key != m_key || next->m_time_ms - m_time_ms > kMergeWithinMs) return false;
    m_after = next->m_after;
    m_time_ms = next->m_time_ms;
    const std::string key = toStd(m_key);
    setObsolete(core::setting_value(m_before, key) == core::setting_value(m_after, key));
    describe();
    return true;
}

AddSourceCommand::AddSourceCommand(ProjectDocument& document, const QString& name,
                                   core::Recipe after)
    : RecipeCommand(document, tr("Add source %1").arg(name), std::move(after)) {}

RemoveSourceCommand::RemoveSourceCommand(ProjectDocument& document, const QString& name,
                                         core::Recipe after)
    : RecipeCommand(document, tr("Remove source %1").arg(name), std::move(after)) {}

ApplyRecipeCommand::ApplyRecipeCommand(ProjectDocument& document, const QString& text,
                                       core::Recipe after)
    : RecipeCommand(document, text, std::move(after)) {}

}  // namespace dayrun::ui
