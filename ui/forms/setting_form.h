// Draws any part of the settings table as a form bound to the draft: the short form or the whole
// tree with search. No settings dialog is made by hand anywhere else. Ui thread.
#pragma once

#include <QHash>
#include <QWidget>

#include "core/recipe/recipe_schema.h"

class QVBoxLayout;

namespace dayrun::ui {

class ProjectDocument;
class SettingEditor;

enum class FormScope {
    Basic,   // settings of rank Basic, by group
    All,     // every setting, by section, data sources included
    Chosen,  // the keys that were given, as one list
};

class SettingForm : public QWidget {
    Q_OBJECT

  public:
    SettingForm(ProjectDocument& document, FormScope scope, QWidget* parent = nullptr);
    /// Draws these keys alone.
    SettingForm(ProjectDocument& document, QStringList chosen, QWidget* parent = nullptr);

    /// Shows only settings with all the words; empty shows all. Returns how many are shown.
    int setSearch(const QString& search);
    /// The editor of a key, or null when this form does not show it.
    SettingEditor* editor(const QString& key) const;
    /// Settings that differ from their defaults.
    int changedCount() const;

  Q_SIGNALS:
    void focusedSetting(const QString& key);

  private:
    struct Section {
        QWidget* header = nullptr;
        QVector<SettingEditor*> editors;
    };

    SettingForm(ProjectDocument& document, FormScope scope, QStringList chosen, QWidget* parent);
    QStringList wantedKeys() const;
    void build();
    void addSection(const QString& title, const QStringList& keys);
    void readValues();
    void apply(const QString& key, const QString& value);

    ProjectDocument& m_document;
    FormScope m_scope;
    QStringList m_chosen;
    QVBoxLayout* m_column;
    QVector<Section> m_sections;
    QHash<QString, SettingEditor*> m_editors;
    QStringList m_keys;
    QString m_search;
};

}  // namespace dayrun::ui
