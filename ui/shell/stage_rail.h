// The narrow rail on the left: the stages in working order, each with its status as a sign (a
// shape, not only a colour). Ui thread.
#pragma once

#include <QAbstractButton>
#include <QFrame>
#include <array>

#include "ui/stages/stage_table.h"

namespace dayrun::ui {

class RailButton : public QAbstractButton {
    Q_OBJECT

  public:
    RailButton(Glyph glyph, const QString& text, const QString& shortcut,
               QWidget* parent = nullptr);
    void setStatus(StageStatus status, const QString& words);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

  protected:
    void paintEvent(QPaintEvent* event) override;
    void enterEvent(QEnterEvent* event) override;
    void leaveEvent(QEvent* event) override;

  private:
    void paintStatus(QPainter& painter, const QPointF& center) const;

    Glyph m_glyph;
    QString m_shortcut;
    StageStatus m_status = StageStatus::Empty;
};

class StageRail : public QFrame {
    Q_OBJECT

  public:
    explicit StageRail(QWidget* parent = nullptr);
    void setCurrent(StageId stage);
    /// No stage is chosen: the welcome page is shown.
    void clearCurrent();
    void setStatus(StageId stage, StageStatus status, const QString& words);
    RailButton* button(StageId stage) const { return m_buttons[stagePlace(stage)]; }

  Q_SIGNALS:
    void stageChosen(dayrun::ui::StageId stage);

  private:
    std::array<RailButton*, kStages.size()> m_buttons{};
};

}  // namespace dayrun::ui
