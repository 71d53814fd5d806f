// The log tab of the bottom dock: lines of runs and of the window, newest last. Ui thread.
#pragma once

#include <QPlainTextEdit>

namespace dayrun::ui {

class LogPanel : public QPlainTextEdit {
    Q_OBJECT

  public:
    explicit LogPanel(QWidget* parent = nullptr);
    void add(const QString& level, const QString& message);
};

}  // namespace dayrun::ui
