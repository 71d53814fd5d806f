// Neighbour: mix_page.cpp owns the rows and turns wishes into commands.
#include "ui/stages/data/mix_row.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QSignalBlocker>
#include <QSlider>
#include <array>
#include <cmath>

#include "core/base/units.h"
#include "ui/look/basics.h"
#include "ui/look/gauges.h"
#include "ui/look/number_field.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

constexpr int kShareSteps = 1000;    // of the slider, by weight: a tenth of a per cent
constexpr int kMostSlidCopies = 20;  // by copies; the number box goes on to 1000
constexpr double kMostShare = 0.99;  // the rest would need an endless weight

// Short enough to read, exact enough that the share does not jump.
double rounded(double weight) {
    if (weight <= 0) return 0;
    const double digit = std::pow(10.0, std::floor(std::log10(weight)) - 3);
    return std::round(weight / digit) * digit;
}

}  // namespace

bool isIncluded(const core::DataSpec& spec) {
    if (spec.weight && *spec.weight <= 0) return false;
    return !(spec.take.rows && *spec.take.rows == 0) &&
           !(spec.take.fraction && *spec.take.fraction <= 0);
}

MixRow::MixRow(int source, const QString& name, QGridLayout* grid, int row, QObject* parent)
    : QObject(parent), m_source(source) {
    auto* swatch = new PartSwatch(source);
    grid->addWidget(swatch, row, 0, Qt::AlignCenter);
    m_include = new QCheckBox(name);
    m_include->setAccessibleName(tr("Include %1").arg(name));
    m_include->setAccessibleDescription(tr("Off: no row of it is trained on"));
    m_include->setToolTip(m_include->accessibleDescription());
    grid->addWidget(m_include, row, 1);
    m_slider = new QSlider(Qt::Horizontal);
    m_slider->setMinimumWidth(72);
    m_slider->setAccessibleName(tr("Amount of %1").arg(name));
    grid->addWidget(m_slider, row, 2);
    m_number = new NumberField;
    m_number->setAccessibleName(tr("Number for %1").arg(name));
    m_number->setMinimumWidth(m_number->fontMetrics().horizontalAdvance(QStringLiteral("888888")) +
                              48);
    grid->addWidget(m_number, row, 3);
    int column = 4;
    for (QLabel** label : {&m_rows, &m_tokens, &m_epochs, &m_share}) {
        *label = makeLabel({});
        (*label)->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        grid->addWidget(*label, row, column++);
    }
    connect(m_include, &QCheckBox::clicked, this,
            [this](bool included) { Q_EMIT includeWanted(m_source, included); });
    connect(m_slider, &QSlider::valueChanged, this, &MixRow::slide);
    connect(m_number, &NumberField::valueChanged, this, [this](double value) {
        if (m_is_by_weight) {
            Q_EMIT weightWanted(m_source, value);
        } else {
            Q_EMIT copiesWanted(m_source, static_cast<int>(std::lround(value)));
        }
    });
}

void MixRow::slide(int place) {
    if (!m_is_by_weight) {
        Q_EMIT copiesWanted(m_source, place);
        return;
    }
    const double share = std::min(static_cast<double>(place) / kShareSteps, kMostShare);
    const double others = m_others_weight > 0 ? m_others_weight : 1.0;
    Q_EMIT weightWanted(m_source, rounded(share / (1 - share) * others));
}

void MixRow::showSource(const core::DataSpec& spec, bool is_by_weight, double others_weight) {
    m_is_by_weight = is_by_weight;
    m_others_weight = others_weight;
    const QSignalBlocker quiet_slider(m_slider);
    const QSignalBlocker quiet_number(m_number);
    const bool in_mix = isTrainedOn(spec);
    const bool included = in_mix && isIncluded(spec);
    m_include->setChecked(included);
    m_include->setEnabled(in_mix);
    m_slider->setEnabled(in_mix && (included || is_by_weight));
    m_number->setEnabled(m_slider->isEnabled());
    if (is_by_weight) {
        const double weight = spec.weight.value_or(0);
        m_number->setRange(0, 1e9);
        m_number->setDecimals(4);
        m_number->setSingleStep(0.1);
        m_number->setValue(weight);
        m_slider->setRange(0, kShareSteps);
        m_slider->setPageStep(kShareSteps / 20);
        const double all = weight + others_weight;
        if (!m_slider->isSliderDown()) {
            m_slider->setValue(all > 0 ? static_cast<int>(std::lround(weight / all * kShareSteps))
                                       : 0);
        }
        m_number->setAccessibleDescription(tr("Weight, relative to the other sources' weights"));
    } else {
        m_number->setRange(1, 1000);
        m_number->setDecimals(0);
        m_number->setSingleStep(1);
        m_number->setValue(static_cast<double>(spec.copies));
        m_slider->setRange(1, kMostSlidCopies);
        m_slider->setPageStep(1);
        m_slider->setValue(static_cast<int>(std::min<int64_t>(spec.copies, kMostSlidCopies)));
        m_number->setAccessibleDescription(tr("How often every row is used in an epoch"));
    }
    m_slider->setAccessibleDescription(m_number->accessibleDescription());
    m_number->setToolTip(m_number->accessibleDescription());
}

void MixRow::showFigures(const MixShare& share, bool is_old) {
    const std::array<std::pair<QLabel*, QString>, 4> texts{
        {{m_rows, share.is_in_mix ? numberText(share.rows_per_epoch) : tr("held out")},
         {m_tokens, numberText(share.trained_tokens_per_epoch)},
         {m_epochs, QString::number(share.effective_epochs, 'f', 2)},
         {m_share, tr("%1 %").arg(share.share * 100, 0, 'f', 1)}}};
    for (const auto& [label, text] : texts) {
        label->setText(share.is_in_mix || label == m_rows ? text : QString());
        setKind(label, is_old ? "muted" : nullptr);
    }
    m_epochs->setToolTip(tr("%1 of %2 different rows are met in the run")
                             .arg(numberText(share.unique_rows), numberText(share.rows)));
}

}  // namespace dayrun::ui
