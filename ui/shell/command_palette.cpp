// The match is by letters in order ("opj" finds "Open Project"); a run of letters counts more.
#include "ui/shell/command_palette.h"

#include <QAction>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/look/basics.h"

namespace dayrun::ui {
namespace {

constexpr int kActionRole = Qt::UserRole + 1;

QString nameOf(const QAction* action) {
    QString text = action->text();
    return text.remove(QLatin1Char('&'));
}

// Higher is better, -1 when the letters do not occur in this order.
int score(const QString& name, const QString& search) {
    if (search.isEmpty()) return 0;
    const qsizetype whole = name.indexOf(search, 0, Qt::CaseInsensitive);
    if (whole >= 0) return 1000 - static_cast<int>(whole);
    qsizetype at = 0;
    int gaps = 0;
    for (const QChar letter : search) {
        const qsizetype found = name.indexOf(letter, at, Qt::CaseInsensitive);
        if (found < 0) return -1;
        gaps += static_cast<int>(found - at);
        at = found + 1;
    }
    return std::max(0, 500 - gaps);
}

}  // namespace

CommandPalette::CommandPalette(QWidget* window)
    : QDialog(window, Qt::Dialog | Qt::FramelessWindowHint), m_window(window) {
    setWindowTitle(tr("Commands"));
    setAccessibleName(tr("Command palette"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(10, 10, 10, 10);
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Type a command"));
    m_search->setAccessibleName(tr("Search commands"));
    m_search->setAccessibleDescription(tr("Letters of a command's name; Enter runs the first."));
    m_search->setClearButtonEnabled(true);
    m_search->installEventFilter(this);
    column->addWidget(m_search);
    m_list = new QListWidget;
    m_list->setAccessibleName(tr("Commands found"));
    m_list->setUniformItemSizes(true);
    column->addWidget(m_list);
    resize(520, 380);
    connect(m_search, &QLineEdit::textChanged, this, &CommandPalette::fill);
    connect(m_list, &QListWidget::itemActivated, this, [this] { trigger(); });
}

QList<QAction*> CommandPalette::matches(const QString& search) const {
    QList<std::pair<int, QAction*>> found;
    for (QAction* action : m_window->findChildren<QAction*>()) {
        const bool is_command = !action->isSeparator() && action->menu() == nullptr &&
                                !nameOf(action).isEmpty() && action->isVisible() &&
                                !action->objectName().isEmpty();
        if (!is_command) continue;
        const int points = score(nameOf(action), search);
        if (points >= 0) found << std::pair(points, action);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    QList<QAction*> actions;
    for (const auto& [points, action] : found) actions << action;
    return actions;
}

void CommandPalette::open() {
    m_search->clear();
    fill({});
    const QRect area = m_window->geometry();
    move(area.center().x() - width() / 2, area.top() + area.height() / 6);
    QDialog::open();
    m_search->setFocus();
}

void CommandPalette::fill(const QString& search) {
    m_list->clear();
    for (QAction* action : matches(search.trimmed())) {
        const QString shortcut = action->shortcut().toString(QKeySequence::NativeText);
        QString text = nameOf(action);
        if (!shortcut.isEmpty()) text += QStringLiteral("   \u00b7   ") + shortcut;
        auto* item = new QListWidgetItem(action->icon(), text);
        item->setData(kActionRole, QVariant::fromValue(action));
        if (!action->isEnabled()) {
            item->setFlags(item->flags() & ~Qt::ItemIsEnabled);
            item->setToolTip(action->statusTip());
        }
        m_list->addItem(item);
    }
    for (int row = 0; row < m_list->count(); ++row) {
        if ((m_list->item(row)->flags() & Qt::ItemIsEnabled) != 0) {
            m_list->setCurrentRow(row);
            break;
        }
    }
}

void CommandPalette::trigger() {
    const QListWidgetItem* item = m_list->currentItem();
    if (item == nullptr || (item->flags() & Qt::ItemIsEnabled) == 0) return;
    QAction* action = item->data(kActionRole).value<QAction*>();
    accept();
    if (action != nullptr) action->trigger();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_search && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) {
            trigger();
            return true;
        }
        const int step = key->key() == Qt::Key_Down ? 1 : key->key() == Qt::Key_Up ? -1 : 0;
        if (step != 0 && m_list->count() > 0) {
            m_list->setCurrentRow(std::clamp(m_list->currentRow() + step, 0, m_list->count() - 1));
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

}  // namespace dayrun::ui
