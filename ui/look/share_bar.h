// One line of stacked shares, each in the brush of its swatch, with a label where it fits. The same
// numbers stand in the tooltip and the accessible description. Ui thread.
#pragma once

#include <QWidget>
#include <vector>

namespace dayrun::ui {

class ShareBar : public QWidget {
    Q_OBJECT

  public:
    struct Part {
        QString name;
        double share = 0;  // of 1
    };
    explicit ShareBar(QWidget* parent = nullptr);
    void setParts(std::vector<Part> parts);
    const std::vector<Part>& parts() const { return m_parts; }
    QSize sizeHint() const override { return {260, 34}; }
    QSize minimumSizeHint() const override { return {80, 34}; }

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    std::vector<Part> m_parts;
};

}  // namespace dayrun::ui
