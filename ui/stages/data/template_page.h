// The template while it is chosen or written: what the model would see of a real row, part by part,
// or the first mistake with its place, checked at each keystroke. Ui thread; the check is a job.
#pragma once

#include <QTimer>
#include <QWidget>
#include <memory>

#include "core/templates/template_check.h"
#include "ui/look/job.h"
#include "ui/stages/stage.h"

class QComboBox;
class QLabel;
class QPlainTextEdit;
class QPushButton;
class QTextEdit;

namespace dayrun::ui {

class WholeNumberField;

class PreparedData;
class SourceRows;

class TemplatePage : public QWidget {
    Q_OBJECT

  public:
    TemplatePage(StageContext context, PreparedData& prepared, std::shared_ptr<SourceRows> rows,
                 QWidget* parent = nullptr);

    QComboBox* nameBox() const { return m_name; }
    QPlainTextEdit* textBox() const { return m_text; }
    QPushButton* useButton() const { return m_use; }
    /// What the check found last; for tests.
    const core::TemplateCheck& check() const { return m_check; }
    bool isChecking() const { return m_is_checking; }
    QString stateText() const;

  private:
    QWidget* makeEditor();
    QWidget* makePreview();
    void showRecipe();
    void showSources();
    void chooseName();
    /// The template as recipe.prompt.template would have it.
    QString wanted() const;
    void checkSoon();
    void startCheck();
    void showCheck();
    void markMistake();
    void useTemplate();

    StageContext m_context;
    PreparedData& m_prepared;
    std::shared_ptr<SourceRows> m_rows;
    QComboBox* m_name;
    QPlainTextEdit* m_text;
    QLabel* m_state;
    QPushButton* m_use;
    QComboBox* m_source;
    WholeNumberField* m_row;
    QLabel* m_legend;
    QTextEdit* m_preview;
    QString m_of_recipe;  // the template that the recipe has
    core::TemplateCheck m_check;
    bool m_is_checking = false;
    QTimer m_soon{this};
    Job m_check_job;
};

}  // namespace dayrun::ui
