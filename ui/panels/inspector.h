// The right dock: facts of what is selected, whichever stage it was selected in. Ui thread.
#pragma once

#include <QScrollArea>

#include "ui/look/basics.h"

namespace dayrun::ui {

class Inspector : public QScrollArea {
    Q_OBJECT

  public:
    explicit Inspector(QWidget* parent = nullptr);
    void showFacts(const QString& title, const FactList::Facts& facts, const QString& text = {});
    void clear();

  private:
    QLabel* m_title;
    FactList* m_facts;
    QLabel* m_text;
};

}  // namespace dayrun::ui
