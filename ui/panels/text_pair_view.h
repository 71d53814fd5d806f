// Two texts side by side, what both say in bold, underlined and tinted. Ui thread; reading is the
// owner's job.
#pragma once

#include <QWidget>

#include "ui/models/text_pair.h"

class QHBoxLayout;
class QLabel;
class QTextEdit;

namespace dayrun::ui {

class ElidedLabel;

class TextPairView : public QWidget {
    Q_OBJECT

  public:
    explicit TextPairView(QWidget* parent = nullptr);
    void showPair(TextPair pair);
    /// Nothing is selected, or it is still being read: why, in words.
    void clear(const QString& reason);
    const TextPair& pair() const { return m_pair; }

  private:
    struct Side {
        ElidedLabel* title = nullptr;
        QTextEdit* text = nullptr;
    };
    Side addSide(QHBoxLayout* line, const QString& name);
    void draw();
    static void drawSide(const Side& side, const PairSide& shown);

    TextPair m_pair;
    Side m_left, m_right;
    QLabel* m_note;
};

}  // namespace dayrun::ui
