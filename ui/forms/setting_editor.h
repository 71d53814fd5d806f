// One setting on one line: label, control by its type, unit, mark and revert when it differs from
// its default, and the reason when it (or a choice) cannot be had. Drawn from a SettingInfo alone.
// Ui thread.
#pragma once

#include <QWidget>

#include "core/recipe/recipe_schema.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QToolButton;

namespace dayrun::ui {

class WholeNumberField;

class SettingEditor : public QWidget {
    Q_OBJECT

  public:
    /// `key` is written out ("data[0].copies"); `info` is its entry of the schema.
    SettingEditor(QString key, const core::SettingInfo& info, QWidget* parent = nullptr);

    const QString& key() const { return m_key; }
    const core::SettingInfo& info() const { return m_info; }
    /// Shows a value as it would stand in the recipe; emits nothing.
    void setValue(const QString& value);
    QString value() const;
    bool isChanged() const { return m_is_changed; }
    /// A sentence under the control, in the colour and with the sign of a fault; empty clears it.
    void setProblem(const QString& problem);
    QString problem() const;
    /// Whether words of a search occur in the label, key or help.
    bool matches(const QString& search) const;
    QWidget* control() const { return m_control; }

  Q_SIGNALS:
    /// The person has chosen a value; the owner answers with setValue or setProblem.
    void edited(const QString& key, const QString& value);
    void focused(const QString& key);

  protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    QWidget* makeControl();
    QWidget* makeChoice();
    QWidget* makeNumber();
    QWidget* makeLine();
    void addBrowse(QLayout* line);
    void showState();
    void commit(const QString& value);

    QString m_key;
    core::SettingInfo m_info;
    QString m_default;
    QString m_value;
    bool m_is_changed = false;
    QLabel* m_label = nullptr;
    QLabel* m_note = nullptr;
    QToolButton* m_revert = nullptr;
    QWidget* m_control = nullptr;
    QCheckBox* m_check = nullptr;
    QComboBox* m_combo = nullptr;
    WholeNumberField* m_spin = nullptr;
    QLineEdit* m_line = nullptr;
};

}  // namespace dayrun::ui
