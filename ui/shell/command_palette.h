// Ctrl+K: every action of the window by a few letters of its name, with its shortcut. Ui thread.
#pragma once

#include <QDialog>
#include <QList>

class QAction;
class QLineEdit;
class QListWidget;

namespace dayrun::ui {

class CommandPalette : public QDialog {
    Q_OBJECT

  public:
    /// Lists all named actions below `window`.
    explicit CommandPalette(QWidget* window);
    /// Fills the list anew and shows it over the window.
    void open() override;
    /// Actions that fit the letters, best first; for tests.
    QList<QAction*> matches(const QString& search) const;

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void fill(const QString& search);
    void trigger();

    QWidget* m_window;
    QLineEdit* m_search;
    QListWidget* m_list;
};

}  // namespace dayrun::ui
