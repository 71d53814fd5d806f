// The form's rows follow setting_keys(recipe): a new data source brings its rows with it.
#include "ui/forms/setting_form.h"

#include <QVBoxLayout>
#include <algorithm>

#include "ui/forms/setting_editor.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/project/project_document.h"

namespace dayrun::ui {
namespace {

// The first part of a key, with the source's number: "adapter", "data[0]"; "" for top-level keys.
QString sectionOf(const QString& key) {
    const qsizetype dot = key.indexOf(QLatin1Char('.'));
    return dot < 0 ? QString() : key.left(dot);
}

}  // namespace

SettingForm::SettingForm(ProjectDocument& document, FormScope scope, QWidget* parent)
    : SettingForm(document, scope, {}, parent) {}

SettingForm::SettingForm(ProjectDocument& document, QStringList chosen, QWidget* parent)
    : SettingForm(document, FormScope::Chosen, std::move(chosen), parent) {}

SettingForm::SettingForm(ProjectDocument& document, FormScope scope, QStringList chosen,
                         QWidget* parent)
    : QWidget(parent), m_document(document), m_scope(scope), m_chosen(std::move(chosen)) {
    setProperty("kind", QStringLiteral("clear"));
    m_column = new QVBoxLayout(this);
    m_column->setContentsMargins(2, 2, 10, 12);
    m_column->setSpacing(8);
    build();
    connect(&document, &ProjectDocument::recipeChanged, this, [this] {
        if (wantedKeys() != m_keys) build();
        readValues();
    });
}

QStringList SettingForm::wantedKeys() const {
    if (m_scope == FormScope::Chosen) return m_chosen;
    QStringList keys;
    for (const std::string& key : core::setting_keys(m_document.recipe())) {
        const core::SettingInfo* info = core::find_setting(key);
        if (info == nullptr || key == "dayrun") continue;
        const bool is_source = key.starts_with("data[");
        // The short form leaves the sources to the Data stage.
        if (m_scope == FormScope::Basic && (info->rank != core::SettingRank::Basic || is_source)) {
            continue;
        }
        keys << toQt(key);
    }
    return keys;
}

void SettingForm::build() {
    m_editors.clear();
    m_sections.clear();
    clearLayout(m_column);
    m_keys = wantedKeys();
    QString section;
    QStringList group;
    const auto flush = [&] {
        if (!group.isEmpty()) addSection(section, group);
        group.clear();
    };
    for (const QString& key : m_keys) {
        if (sectionOf(key) != section) flush();
        section = sectionOf(key);
        group << key;
    }
    flush();
    m_column->addStretch(1);
    readValues();
    if (!m_search.isEmpty()) setSearch(m_search);
}

void SettingForm::addSection(const QString& title, const QStringList& keys) {
    Section section;
    QString shown = title.isEmpty() ? tr("run") : title;
    if (title.startsWith(QStringLiteral("data["))) {
        const size_t index = title.mid(5).chopped(1).toULongLong();
        if (index < m_document.recipe().data.size()) {
            shown = tr("data: %1").arg(toQt(m_document.recipe().data[index].name));
        }
    }
    shown[0] = shown[0].toUpper();
    auto* header = makeLabel(shown, "section");
    header->setContentsMargins(0, m_sections.isEmpty() ? 0 : 10, 0, 0);
    // The short form is one list: a heading over every second line would be longer than the form.
    if (m_scope != FormScope::All) header->hide();
    m_column->addWidget(header);
    section.header = header;
    for (const QString& key : keys) {
        const core::SettingInfo* info = core::find_setting(toStd(key));
        auto* editor = new SettingEditor(key, *info);
        connect(editor, &SettingEditor::edited, this, &SettingForm::apply);
        connect(editor, &SettingEditor::focused, this, &SettingForm::focusedSetting);
        m_column->addWidget(editor);
        m_editors.insert(key, editor);
        section.editors << editor;
    }
    m_sections << section;
}

void SettingForm::readValues() {
    for (SettingEditor* editor : std::as_const(m_editors)) {
        editor->setValue(toQt(core::setting_value(m_document.recipe(), toStd(editor->key()))));
    }
}

int SettingForm::changedCount() const {
    return static_cast<int>(std::count_if(m_editors.begin(), m_editors.end(),
                                          [](const SettingEditor* e) { return e->isChanged(); }));
}

void SettingForm::apply(const QString& key, const QString& value) {
    const auto done = m_document.setSetting(key, value);
    SettingEditor* editor = m_editors.value(key);
    if (editor == nullptr) return;
    if (!done.ok()) {
        editor->setProblem(toQt(done.error()));
        return;
    }
    // The value may have been written in another way ("8.0" is 8): show what stands in the recipe.
    editor->setValue(toQt(core::setting_value(m_document.recipe(), toStd(key))));
}

int SettingForm::setSearch(const QString& search) {
    m_search = search;
    int shown = 0;
    for (const Section& section : m_sections) {
        int in_section = 0;
        for (SettingEditor* editor : section.editors) {
            const bool is_match = editor->matches(search);
            editor->setVisible(is_match);
            in_section += is_match ? 1 : 0;
        }
        section.header->setVisible(m_scope == FormScope::All && in_section > 0);
        shown += in_section;
    }
    return shown;
}

SettingEditor* SettingForm::editor(const QString& key) const {
    return m_editors.value(key);
}

}  // namespace dayrun::ui
