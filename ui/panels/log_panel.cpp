// Levels are told by a word, not by a colour.
#include "ui/panels/log_panel.h"

#include <QScrollBar>
#include <QTime>

namespace dayrun::ui {

LogPanel::LogPanel(QWidget* parent) : QPlainTextEdit(parent) {
    setReadOnly(true);
    setMaximumBlockCount(5000);
    setLineWrapMode(QPlainTextEdit::NoWrap);
    setTabChangesFocus(true);
    setFrameShape(QFrame::NoFrame);
    setAccessibleName(tr("Log"));
    setAccessibleDescription(tr("Messages of runs and of the window, newest last"));
    setPlaceholderText(tr("Messages of runs appear here."));
}

void LogPanel::add(const QString& level, const QString& message) {
    const QString time = QTime::currentTime().toString(QStringLiteral("HH:mm:ss"));
    // Who reads old lines stays there; who is at the end sees the newest.
    QScrollBar* bar = verticalScrollBar();
    const bool is_at_end = bar->value() >= bar->maximum() - 2;
    appendPlainText(QStringLiteral("%1  %2  %3").arg(time, level.leftJustified(7), message));
    if (is_at_end) bar->setValue(bar->maximum());
}

}  // namespace dayrun::ui
