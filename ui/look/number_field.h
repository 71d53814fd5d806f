// Fields for numbers. They take what is typed as it stands: no key is swallowed, nothing is rounded
// or moved into the range. What is no such number is refused with a sentence, and the former one
// stays. A value counts once it is done: Return, another field, or an arrow. Ui thread.
#pragma once

#include <QDoubleSpinBox>
#include <QSpinBox>
#include <utility>

namespace dayrun::ui {

/// What the fields have in common: `Spin` is Qt's class that keeps the number, `Field` the class
/// made of it, which has the signals.
template <class Field, class Spin>
class NumberFieldOf : public Spin {
  public:
    explicit NumberFieldOf(QWidget* parent = nullptr);
    /// Why the last text was refused; empty once something is typed again.
    const QString& problem() const { return m_problem; }

  protected:
    using Number = decltype(std::declval<const Spin&>().value());

    QValidator::State validate(QString& input, int& position) const override;
    void fixup(QString& input) const override;
    Number valueFromText(const QString& text) const override;

  private:
    void setProblem(const QString& problem);

    QString m_problem;
};

class WholeNumberField : public NumberFieldOf<WholeNumberField, QSpinBox> {
    Q_OBJECT

  public:
    using NumberFieldOf::NumberFieldOf;

  Q_SIGNALS:
    void refused(const QString& typed);
    void typed();
};

class NumberField : public NumberFieldOf<NumberField, QDoubleSpinBox> {
    Q_OBJECT

  public:
    using NumberFieldOf::NumberFieldOf;

  Q_SIGNALS:
    void refused(const QString& typed);
    void typed();
};

}  // namespace dayrun::ui
