// Body of number_field.h. Qt's own fields drop the keys that do not fit, so that a "1.5" becomes 15
// where only whole numbers are wanted, and the comma of "1,5" is lost where a dot is.
#include "ui/look/number_field.h"

#include <QLineEdit>
#include <QRegularExpression>
#include <QToolTip>
#include <optional>

#include "ui/look/basics.h"

namespace dayrun::ui {
namespace {

// The number as a recipe writes it: digits, and a dot where decimals are allowed.
std::optional<double> numberOf(const QString& typed, double least, double most, int decimals) {
    static const QRegularExpression s_number(QStringLiteral("^[+-]?(\\d*)(?:\\.(\\d*))?$"));
    const auto parts = s_number.match(typed);
    const bool has_dot = parts.hasCaptured(2) && !parts.capturedView(2).isNull();
    bool is_number = false;
    const double number = typed.toDouble(&is_number);
    if (!parts.hasMatch() || !is_number || number < least || number > most) return std::nullopt;
    if (has_dot && (decimals == 0 || parts.capturedView(2).size() > decimals)) return std::nullopt;
    return number;
}

int decimalsOf(const QSpinBox&) {
    return 0;
}

int decimalsOf(const QDoubleSpinBox& field) {
    return field.decimals();
}

// The text without what the field itself puts around it.
template <class Spin>
QString typedIn(const Spin& field, const QString& text) {
    QString typed = text;
    if (typed.startsWith(field.prefix())) typed.remove(0, field.prefix().size());
    if (typed.endsWith(field.suffix())) typed.chop(field.suffix().size());
    return typed.trimmed();
}

template <class Spin>
std::optional<double> numberIn(const Spin& field, const QString& text) {
    return numberOf(typedIn(field, text), field.minimum(), field.maximum(), decimalsOf(field));
}

QString rangeText(double number) {
    return QString::number(number, 'f', QLocale::FloatingPointShortest);
}

QString refusal(const QString& typed, double least, double most, int decimals,
                const QString& former) {
    const QString kind =
        decimals == 0
            ? WholeNumberField::tr("a whole number")
            : WholeNumberField::tr("a number with at most %1 digits after the dot").arg(decimals);
    return WholeNumberField::tr("\u201c%1\u201d is not %2 from %3 to %4; %5 stays.")
        .arg(typed, kind, rangeText(least), rangeText(most), former);
}

void showProblem(QAbstractSpinBox& field, const QString& problem) {
    constexpr auto kPlainTip = "plainToolTip";
    const bool was_plain = !field.property(kPlainTip).isValid();
    if (was_plain) field.setProperty(kPlainTip, field.toolTip());
    field.setToolTip(problem.isEmpty() ? field.property(kPlainTip).toString() : problem);
    field.setProperty("state", problem.isEmpty() ? QString() : QStringLiteral("bad"));
    restyle(&field);
    if (problem.isEmpty()) {
        field.setProperty(kPlainTip, {});
        return;
    }
    QToolTip::showText(field.mapToGlobal(field.rect().bottomLeft()), problem, &field);
}

}  // namespace

template <class Field, class Spin>
NumberFieldOf<Field, Spin>::NumberFieldOf(QWidget* parent) : Spin(parent) {
    this->setKeyboardTracking(false);
    this->connect(this->lineEdit(), &QLineEdit::textEdited, this, [this] {
        setProblem({});
        Q_EMIT static_cast<Field*>(this)->typed();
    });
    // By an arrow, a slider or Undo: the number that was refused is not there any more.
    this->connect(this, &Spin::valueChanged, this, [this] { setProblem({}); });
}

template <class Field, class Spin>
QValidator::State NumberFieldOf<Field, Spin>::validate(QString& input, int&) const {
    return numberIn<Spin>(*this, input) ? QValidator::Acceptable : QValidator::Intermediate;
}

// Called with a text that is done and not acceptable; the former value comes back by itself.
template <class Field, class Spin>
void NumberFieldOf<Field, Spin>::fixup(QString& input) const {
    const QString text = typedIn<Spin>(*this, input);
    if (text.isEmpty()) return;
    auto* self = const_cast<NumberFieldOf*>(this);
    self->setProblem(refusal(text, this->minimum(), this->maximum(), decimalsOf(*this),
                             this->textFromValue(this->value())));
    Q_EMIT static_cast<Field*>(self)->refused(text);
}

template <class Field, class Spin>
auto NumberFieldOf<Field, Spin>::valueFromText(const QString& text) const -> Number {
    return static_cast<Number>(numberIn<Spin>(*this, text).value_or(this->value()));
}

template <class Field, class Spin>
void NumberFieldOf<Field, Spin>::setProblem(const QString& problem) {
    if (problem == m_problem) return;
    m_problem = problem;
    showProblem(*this, problem);
}

template class NumberFieldOf<WholeNumberField, QSpinBox>;
template class NumberFieldOf<NumberField, QDoubleSpinBox>;

}  // namespace dayrun::ui
