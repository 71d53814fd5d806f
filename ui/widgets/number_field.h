// Fields for numbers. They take what is typed as it stands: no key is swallowed, nothing is rounded
// or moved into the range. What is no such number is refused with a sentence, and the former one
// stays. A value counts once it is done: Return, another field, or an arrow. Ui thread.
#pragma once

#include <QDoubleSpinBox>
#include <QSpinBox>

namespace dayrun::ui {

class WholeNumberField : public QSpinBox {
    Q_OBJECT

  public:
    explicit WholeNumberField(QWidget* parent = nullptr);
    /// Why the last text was refused; empty once something is typed again.
    const QString& problem() const { return m_problem; }

  Q_SIGNALS:
    void refused(const QString& typed);
    void typed();

  protected:
    QValidator::State validate(QString& input, int& position) const override;
    void fixup(QString& input) const override;
    int valueFromText(const QString& text) const override;

  private:
    void setProblem(const QString& problem);

    QString m_problem;
};

class NumberField : public QDoubleSpinBox {
    Q_OBJECT

  public:
    explicit NumberField(QWidget* parent = nullptr);
    /// Why the last text was refused; empty once something is typed again.
    const QString& problem() const { return m_problem; }

  Q_SIGNALS:
    void refused(const QString& typed);
    void typed();

  protected:
    QValidator::State validate(QString& input, int& position) const override;
    void fixup(QString& input) const override;
    double valueFromText(const QString& text) const override;

  private:
    void setProblem(const QString& problem);

    QString m_problem;
};

}  // namespace dayrun::ui
