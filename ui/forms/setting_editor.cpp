// The control of each setting type. Neighbour: setting_form.cpp lines many of them up.
#include "ui/forms/setting_editor.h"

#include <QCheckBox>
#include <QComboBox>
#include <QEvent>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QStandardItemModel>
#include <QToolButton>

#include "ui/look/basics.h"
#include "ui/look/number_field.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

constexpr int kLabelWidth = 168;

// Why a whole key is not available, or nothing.
QString wholeReason(const core::SettingInfo& info) {
    for (const auto& [choice, reason] : info.unavailable) {
        if (choice == "*") return toQt(reason);
    }
    return {};
}

QString choiceReason(const core::SettingInfo& info, const std::string& choice) {
    for (const auto& [name, reason] : info.unavailable) {
        if (name == choice) return toQt(reason);
    }
    return {};
}

QString describe(const core::SettingInfo& info, const QString& default_value) {
    QStringList parts{toQt(info.help)};
    if (info.minimum && info.maximum) {
        parts << SettingEditor::tr("From %1 to %2.").arg(*info.minimum).arg(*info.maximum);
    }
    if (!info.unit.empty()) parts << SettingEditor::tr("In %1.").arg(toQt(info.unit));
    parts << SettingEditor::tr("Default: %1.")
                 .arg(default_value.isEmpty() ? SettingEditor::tr("empty") : default_value);
    return parts.join(QLatin1Char(' '));
}

}  // namespace

SettingEditor::SettingEditor(QString key, const core::SettingInfo& info, QWidget* parent)
    : QWidget(parent),
      m_key(std::move(key)),
      m_info(info),
      m_default(toQt(core::setting_default(toStd(m_key)))) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(2);
    auto* line = new QHBoxLayout;
    line->setSpacing(8);
    column->addLayout(line);

    m_label = makeLabel(toQt(m_info.label));
    m_label->setWordWrap(true);
    m_label->setFixedWidth(kLabelWidth);
    line->addWidget(m_label);

    m_control = makeControl();
    const QString description = describe(m_info, m_default);
    m_control->setAccessibleName(toQt(m_info.label));
    m_control->setAccessibleDescription(description);
    m_control->setToolTip(description);
    m_control->installEventFilter(this);
    m_label->setBuddy(m_control);
    m_label->setToolTip(description);
    line->addWidget(m_control, m_check == nullptr ? 1 : 0);
    if (m_check != nullptr) line->addStretch(1);
    if (m_info.type == core::SettingType::Path) addBrowse(line);
    if (!m_info.unit.empty() && m_spin == nullptr) {
        line->addWidget(makeLabel(toQt(m_info.unit), "muted"));
    }

    m_revert = makeToolButton(
        Glyph::Revert, tr("Back to the default of %1: %2")
                           .arg(toQt(m_info.label), m_default.isEmpty() ? tr("empty") : m_default));
    QSizePolicy policy = m_revert->sizePolicy();
    policy.setRetainSizeWhenHidden(true);
    m_revert->setSizePolicy(policy);
    m_revert->hide();
    connect(m_revert, &QToolButton::clicked, this, [this] { commit(m_default); });
    line->addWidget(m_revert);

    m_note = makeLabel({}, "muted");
    m_note->setWordWrap(true);
    m_note->setContentsMargins(kLabelWidth + 8, 0, 34, 0);
    m_note->hide();
    column->addWidget(m_note);

    if (const QString reason = wholeReason(m_info); !reason.isEmpty()) {
        m_control->setEnabled(false);
        m_note->setText(tr("Not in this version: %1.").arg(reason));
        m_note->show();
    }
}

QWidget* SettingEditor::makeControl() {
    if (m_info.type == core::SettingType::Bool) {
        m_check = new QCheckBox;
        m_check->setMinimumSize(24, 24);
        connect(m_check, &QCheckBox::clicked, this,
                [this](bool on) { commit(on ? QStringLiteral("true") : QStringLiteral("false")); });
        return m_check;
    }
    if (!m_info.choices.empty()) return makeChoice();
    const bool is_small_number = m_info.type == core::SettingType::Integer &&
                                 !m_info.may_be_empty && m_info.maximum && *m_info.maximum <= 1e6;
    return is_small_number ? makeNumber() : makeLine();
}

QWidget* SettingEditor::makeChoice() {
    m_combo = new QComboBox;
    const bool is_free_text = m_info.type != core::SettingType::Choice;
    m_combo->setEditable(is_free_text);
    m_combo->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_combo->setMinimumContentsLength(10);
    if (m_info.may_be_empty) m_combo->addItem(is_free_text ? QString() : tr("(empty)"), QString());
    for (const std::string& choice : m_info.choices) {
        const QString reason = choiceReason(m_info, choice);
        const QString word = toQt(choice);
        m_combo->addItem(reason.isEmpty() ? word : tr("%1 (not yet)").arg(word), word);
        if (reason.isEmpty()) continue;
        const int row = m_combo->count() - 1;
        m_combo->setItemData(row, reason, Qt::ToolTipRole);
        m_combo->setItemData(row, reason, Qt::AccessibleDescriptionRole);
        auto* model = qobject_cast<QStandardItemModel*>(m_combo->model());
        if (model != nullptr) model->item(row)->setEnabled(false);
    }
    connect(m_combo, &QComboBox::activated, this,
            [this](int row) { commit(m_combo->itemData(row).toString()); });
    if (is_free_text) {
        m_line = m_combo->lineEdit();
        m_line->setAccessibleName(toQt(m_info.label));
        m_line->setAccessibleDescription(toQt(m_info.help));
        connect(m_line, &QLineEdit::editingFinished, this, [this] { commit(m_line->text()); });
    }
    return m_combo;
}

QWidget* SettingEditor::makeNumber() {
    m_spin = new WholeNumberField;
    m_spin->setRange(static_cast<int>(m_info.minimum.value_or(-1e6)),
                     static_cast<int>(*m_info.maximum));
    if (!m_info.unit.empty()) m_spin->setSuffix(QLatin1Char(' ') + toQt(m_info.unit));
    m_spin->setMinimumWidth(110);
    connect(m_spin, &WholeNumberField::valueChanged, this,
            [this](int number) { commit(QString::number(number)); });
    // The owner answers it as it does a bad text of a line.
    connect(m_spin, &WholeNumberField::refused, this,
            [this](const QString& typed) { commit(typed); });
    connect(m_spin, &WholeNumberField::typed, this, [this] { setProblem({}); });
    return m_spin;
}

QWidget* SettingEditor::makeLine() {
    m_line = new QLineEdit;
    m_line->setMinimumWidth(110);
    if (m_info.may_be_empty) m_line->setPlaceholderText(tr("empty"));
    // Only what was typed: a text of several lines that nobody touched must stay as it is.
    connect(m_line, &QLineEdit::editingFinished, this, [this] {
        const bool is_text = m_info.type == core::SettingType::Text;
        if (m_line->isModified()) commit(is_text ? m_line->text() : m_line->text().trimmed());
    });
    return m_line;
}

void SettingEditor::addBrowse(QLayout* line) {
    auto* browse =
        makeToolButton(Glyph::Folder, tr("Choose the folder for %1").arg(toQt(m_info.label)));
    connect(browse, &QToolButton::clicked, this, [this] {
        const QString chosen = QFileDialog::getExistingDirectory(this, toQt(m_info.label), m_value);
        if (!chosen.isEmpty()) commit(chosen);
    });
    line->addWidget(browse);
}

void SettingEditor::commit(const QString& value) {
    if (value == m_value && problem().isEmpty()) return;
    Q_EMIT edited(m_key, value);
}

void SettingEditor::setValue(const QString& value) {
    m_value = value;
    const QSignalBlocker quiet_check(m_check);
    const QSignalBlocker quiet_combo(m_combo);
    const QSignalBlocker quiet_spin(m_spin);
    const QSignalBlocker quiet_line(m_line);
    if (m_check != nullptr) m_check->setChecked(value == QStringLiteral("true"));
    if (m_spin != nullptr) m_spin->setValue(value.toInt());
    if (m_combo != nullptr) {
        const int row = m_combo->findData(value);
        m_combo->setCurrentIndex(row);
        if (row < 0 && m_combo->isEditable()) m_combo->setEditText(value);
    } else if (m_line != nullptr) {
        m_line->setText(value);
        m_line->setCursorPosition(0);
    }
    setProblem({});
    showState();
}

QString SettingEditor::value() const {
    return m_value;
}

void SettingEditor::showState() {
    m_is_changed = m_value != m_default;
    // The mark is a sign and a weight, not a colour alone.
    m_label->setText(m_is_changed ? toQt(m_info.label) + QStringLiteral(" \u2022")
                                  : toQt(m_info.label));
    QFont font = m_label->font();
    font.setWeight(m_is_changed ? QFont::DemiBold : QFont::Normal);
    m_label->setFont(font);
    m_label->setAccessibleDescription(m_is_changed ? tr("differs from its default") : QString());
    m_revert->setVisible(m_is_changed);
}

void SettingEditor::setProblem(const QString& problem) {
    if (!m_control->isEnabled()) return;
    const bool is_bad = !problem.isEmpty();
    setKind(m_note, is_bad ? "bad" : "muted");
    m_note->setText(is_bad ? QStringLiteral("\u26a0 ") + problem : QString());
    m_note->setAccessibleName(problem);
    m_note->setVisible(is_bad);
    QWidget* marked = m_line != nullptr ? static_cast<QWidget*>(m_line) : m_control;
    if (marked->property("state").toString() != (is_bad ? QStringLiteral("bad") : QString())) {
        marked->setProperty("state", is_bad ? QStringLiteral("bad") : QString());
        restyle(marked);
    }
}

QString SettingEditor::problem() const {
    return m_note->isHidden() || !m_control->isEnabled() ? QString() : m_note->accessibleName();
}

bool SettingEditor::matches(const QString& search) const {
    const QString all =
        m_key + QLatin1Char(' ') + toQt(m_info.label) + QLatin1Char(' ') + toQt(m_info.help);
    const QStringList words = search.split(QLatin1Char(' '), Qt::SkipEmptyParts);
    return std::all_of(words.begin(), words.end(), [&](const QString& word) {
        return all.contains(word, Qt::CaseInsensitive);
    });
}

bool SettingEditor::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::FocusIn) Q_EMIT focused(m_key);
    // A wheel that scrolls the page must not turn the numbers it passes over.
    if (event->type() == QEvent::Wheel && !m_control->hasFocus()) {
        event->ignore();
        return true;
    }
    return QWidget::eventFilter(watched, event);
}

}  // namespace dayrun::ui
