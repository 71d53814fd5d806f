// The verbs of stage Data, and the way round the docks. Neighbour: main_window_actions.cpp has the
// other menus.
#include <QDockWidget>
#include <QMenuBar>
#include <QStackedWidget>
#include <array>

#include "ui/shell/main_window.h"
#include "ui/shell/open_project.h"
#include "ui/stages/data/rows_page.h"
#include "ui/stages/stage_table.h"

namespace dayrun::ui {

void MainWindow::makeDataMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Data"));
    const auto add = [&](const char* name, const QString& text, const QKeySequence& keys,
                         std::function<void(DataStage&)> verb) {
        addCommand(menu, QLatin1String(name), text, keys, [this, verb = std::move(verb)] {
            showStage(StageId::Data);
            verb(*dataStage());
        })->setProperty("needsProject", true);
    };
    add("data.files", tr("&Import files…"), QKeySequence(tr("Ctrl+I")),
        [](DataStage& stage) { stage.chooseFiles(); });
    add("data.folder", tr("Import a &folder…"), QKeySequence(tr("Ctrl+Shift+I")),
        [](DataStage& stage) { stage.chooseFolder(); });
    add("data.mapping", tr("&Mapping of the source…"), {},
        [](DataStage& stage) { stage.editSource(); });
    add("data.remove", tr("&Remove the source"), {},
        [](DataStage& stage) { stage.removeSource(); });
    menu->addSeparator();
    const std::array<std::pair<const char*, QString>, 7> pages{
        {{"data.rows", tr("Show ro&ws")},
         {"data.mix", tr("Show the mi&x")},
         {"data.template", tr("Show the tem&plate")},
         {"data.tokens", tr("Show &tokens as the trainer reads them")},
         {"data.leftOut", tr("Show what is &left out")},
         {"data.duplicates", tr("Show d&uplicates")},
         {"data.overlap", tr("Show &overlap with held-out rows")}}};
    for (size_t i = 0; i < pages.size(); ++i) {
        add(pages[i].first, pages[i].second, {},
            [page = static_cast<DataPage>(i)](DataStage& stage) { stage.showPage(page); });
    }
    menu->addSeparator();
    add("data.next", tr("&Next row"), {}, [](DataStage& stage) { stage.rowsPage()->step(1); });
    add("data.previous", tr("&Previous row"), {},
        [](DataStage& stage) { stage.rowsPage()->step(-1); });
    add("data.leaveOutRow", tr("Leave &out the selected row"), {},
        [](DataStage& stage) { stage.rowsPage()->leaveOut(); });
    menu->addSeparator();
    add("data.caches", tr("Token &caches…"), {}, [](DataStage& stage) { stage.showCaches(); });
}

// F6: from the stage to each dock that is open, and back.
void MainWindow::cycleDocks() {
    QList<QWidget*> places{centralWidget()};
    for (QDockWidget* dock : {m_inspector_dock, m_log_dock, m_history_dock}) {
        if (dock->isVisible()) places << dock->widget();
    }
    const QWidget* focus = focusWidget();
    qsizetype at = 0;
    for (qsizetype i = 0; i < places.size(); ++i) {
        if (focus != nullptr && (places[i] == focus || places[i]->isAncestorOf(focus))) at = i;
    }
    QWidget* next = places[(at + 1) % places.size()];
    if (next == centralWidget())
        next = m_open ? m_open->stages()[stagePlace(m_current)] : m_pages->currentWidget();
    // The place itself, or the first control in it that takes the focus by Tab.
    QWidget* control = next;
    for (QWidget* inner : next->findChildren<QWidget*>()) {
        if (control->focusPolicy() != Qt::NoFocus) break;
        if (inner->isVisible() && inner->isEnabled()) control = inner;
    }
    control->setFocus(Qt::TabFocusReason);
}

}  // namespace dayrun::ui
