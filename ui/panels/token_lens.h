// One sample as the trainer reads it: tokens with their ids, which template part they are, and
// whether they are trained (core/tokens/token_lens.h). Ui thread; the encoding is a job.
#pragma once

#include <QWidget>

#include "core/base/result.h"
#include "core/recipe/recipe.h"
#include "core/tokens/token_lens.h"
#include "ui/bridge/job.h"

class QLabel;
class QTextEdit;

namespace dayrun::ui {

class TokenLens : public QWidget {
    Q_OBJECT

  public:
    explicit TokenLens(QWidget* parent = nullptr);
    void showSample(const core::Recipe& recipe, const core::Sample& sample);
    void clear(const QString& reason);

  private:
    void showView(const core::LensView& view);

    QLabel* m_summary;
    QTextEdit* m_text;
    Job m_job;
};

}  // namespace dayrun::ui
