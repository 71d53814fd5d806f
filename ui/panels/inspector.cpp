// Neighbours: every stage calls showFacts when its selection moves.
#include "ui/panels/inspector.h"

namespace dayrun::ui {

Inspector::Inspector(QWidget* parent) : QScrollArea(parent) {
    setWidgetResizable(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Inspector"));
    setAccessibleDescription(tr("Facts of what is selected"));
    auto* page = new QWidget;
    page->setProperty("kind", QStringLiteral("clear"));
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(14, 12, 14, 12);
    column->setSpacing(10);
    m_title = makeLabel({});
    m_title->setWordWrap(true);
    QFont font = m_title->font();
    font.setWeight(QFont::DemiBold);
    m_title->setFont(font);
    column->addWidget(m_title);
    m_facts = new FactList;
    m_facts->setNarrow(true);
    column->addWidget(m_facts);
    m_text = makeLabel({}, "muted");
    m_text->setWordWrap(true);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(m_text);
    column->addStretch();
    setWidget(page);
    clear();
}

void Inspector::showFacts(const QString& title, const FactList::Facts& facts, const QString& text) {
    m_title->setText(title);
    m_title->setVisible(!title.isEmpty());
    m_facts->setFacts(facts);
    m_facts->setVisible(!facts.empty());
    m_text->setText(text);
    m_text->setVisible(!text.isEmpty());
}

void Inspector::clear() {
    showFacts(tr("Nothing selected"), {},
              tr("Select a source, a row, a setting or a run, and its facts stand here."));
}

}  // namespace dayrun::ui
