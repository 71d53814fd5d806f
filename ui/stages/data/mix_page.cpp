// Neighbours: models/live_mix.h reckons, mix_row.h is one line, project/commands.h merges.
#include "ui/stages/data/mix_page.h"

#include <QComboBox>
#include <QGridLayout>
#include <QScrollArea>
#include <algorithm>

#include "core/base/units.h"
#include "core/recipe/recipe_schema.h"
#include "ui/forms/setting_form.h"
#include "ui/look/basics.h"
#include "ui/look/number_field.h"
#include "ui/look/share_bar.h"
#include "ui/look/text.h"
#include "ui/project/prepared_data.h"
#include "ui/project/project_document.h"
#include "ui/stages/data/mix_row.h"

namespace dayrun::ui {
namespace {

enum Amount { ByCopies, ByRowWeight, ByTokenWeight };

QString keyOf(size_t source, const char* field) {
    return QStringLiteral("data[%1].%2").arg(source).arg(QLatin1String(field));
}

Amount amountOf(const core::Recipe& recipe) {
    if (!isMixedByWeight(recipe)) return ByCopies;
    return recipe.mix.by == core::MixBy::Rows ? ByRowWeight : ByTokenWeight;
}

}  // namespace

MixPage::MixPage(StageContext context, PreparedData& prepared, QWidget* parent)
    : QWidget(parent), m_context(context), m_prepared(prepared) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 12, 0, 0);
    column->setSpacing(10);
    auto* line = new QHBoxLayout;
    auto* label = makeLabel(tr("Amounts"));
    line->addWidget(label);
    m_amount = new QComboBox;
    m_amount->setAccessibleName(tr("Amounts"));
    m_amount->setAccessibleDescription(tr("How the amount of each source is given"));
    m_amount->addItem(tr("every row, times its copies"));
    m_amount->addItem(tr("by weight, shares of rows"));
    m_amount->addItem(tr("by weight, shares of trained tokens"));
    connect(m_amount, &QComboBox::activated, this, &MixPage::chooseAmount);
    label->setBuddy(m_amount);
    line->addWidget(m_amount);
    m_state = makeLabel({}, "muted");
    m_state->setWordWrap(true);
    line->addWidget(m_state, 1);
    column->addLayout(line);
    m_bar = new ShareBar;
    column->addWidget(m_bar);
    column->addWidget(makeTable(), 1);
    m_total = makeLabel({});
    m_total->setWordWrap(true);
    column->addWidget(m_total);
    m_warnings = makeLabel({}, "warning");
    m_warnings->setWordWrap(true);
    column->addWidget(m_warnings);
    m_form = new SettingForm(
        context.document,
        QStringList{QStringLiteral("mix.rows"), QStringLiteral("mix.max_repeats"),
                    QStringLiteral("mix.fraction"), QStringLiteral("batch.epochs")});
    column->addWidget(m_form);
    connect(&context.document, &ProjectDocument::recipeChanged, this, &MixPage::showMix);
    connect(&prepared, &PreparedData::changed, this, &MixPage::showFigures);
    showMix();
}

QWidget* MixPage::makeTable() {
    m_table = new QWidget;
    m_table->setProperty("kind", QStringLiteral("clear"));
    auto* column = new QVBoxLayout(m_table);
    column->setContentsMargins(0, 0, 10, 0);
    m_grid = new QGridLayout;
    m_grid->setHorizontalSpacing(10);
    m_grid->setVerticalSpacing(6);
    m_grid->setColumnStretch(2, 1);
    column->addLayout(m_grid);
    column->addStretch();
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setAccessibleName(tr("Sources of the mix"));
    scroll->setMinimumHeight(110);
    scroll->setWidget(m_table);
    return scroll;
}

void MixPage::makeRows() {
    for (MixRow* row : m_rows) row->deleteLater();
    m_rows.clear();
    clearLayout(m_grid);
    const QStringList heads{{},         tr("Source"),  tr("Amount"), tr("Number"),
                            tr("Rows"), tr("Trained"), tr("Epochs"), tr("Share")};
    for (int column = 1; column < heads.size(); ++column) {
        auto* head = makeLabel(heads[column], "section");
        head->setAlignment(column >= 4 ? Qt::AlignRight : Qt::AlignLeft);
        if (column == 5) head->setToolTip(tr("Trained tokens of an epoch"));
        m_grid->addWidget(head, 0, column);
    }
    for (int i = 0; i < m_names.size(); ++i) {
        auto* row = new MixRow(i, m_names[i], m_grid, i + 1, this);
        connect(row, &MixRow::weightWanted, this, [this](int source, double weight) {
            setValue(source, "weight", QString::number(weight, 'g', 6));
        });
        connect(row, &MixRow::copiesWanted, this, [this](int source, int copies) {
            setValue(source, "copies", QString::number(copies));
        });
        connect(row, &MixRow::includeWanted, this, &MixPage::include);
        m_rows.push_back(row);
    }
}

double MixPage::othersWeight(size_t source) const {
    double sum = 0;
    const auto& specs = m_context.document.recipe().data;
    for (size_t i = 0; i < specs.size(); ++i) {
        if (i != source && isTrainedOn(specs[i])) sum += specs[i].weight.value_or(0);
    }
    return sum;
}

void MixPage::showMix() {
    const core::Recipe& recipe = m_context.document.recipe();
    QStringList names;
    for (const core::DataSpec& spec : recipe.data) names << toQt(spec.name);
    if (names != m_names) {
        m_names = names;
        makeRows();
    }
    m_amount->setCurrentIndex(amountOf(recipe));
    for (size_t i = 0; i < m_rows.size(); ++i) {
        m_rows[i]->showSource(recipe.data[i], isMixedByWeight(recipe), othersWeight(i));
    }
    showFigures();
}

void MixPage::showFigures() {
    const core::Recipe& recipe = m_context.document.recipe();
    const auto prepared = m_prepared.prepared();
    const bool fits = prepared && prepared->recipe.data.size() == recipe.data.size();
    m_mix = liveMix(recipe, fits ? prepared->data->sources : std::vector<core::SourceReport>());
    const bool is_old = !m_prepared.isCurrent();
    std::vector<ShareBar::Part> parts;
    for (size_t i = 0; i < m_rows.size(); ++i) {
        m_rows[i]->showFigures(m_mix.sources[i], is_old);
        parts.push_back({m_names[static_cast<int>(i)], m_mix.sources[i].share});
    }
    m_bar->setParts(std::move(parts));
    QString state;
    if (m_prepared.isBusy()) {
        state = tr("Reading the data (%1)…").arg(m_prepared.progressText());
    } else if (!m_prepared.problem().isEmpty()) {
        state = QStringLiteral("\u26a0 ") + m_prepared.problem();
    }
    m_state->setText(state);
    m_total->setText(fits ? tr("An epoch: %1 rows, %2 tokens, %3 of them trained. Epochs: %4, "
                               "together %5 trained tokens.")
                                .arg(numberText(m_mix.rows_per_epoch),
                                     numberText(m_mix.tokens_per_epoch),
                                     numberText(m_mix.trained_tokens_per_epoch),
                                     QString::number(recipe.batch.epochs),
                                     numberText(static_cast<int64_t>(
                                         static_cast<double>(m_mix.trained_tokens_per_epoch) *
                                         recipe.batch.epochs)))
                          : tr("Rows and tokens come when the data has been read."));
    QStringList warnings;
    if (!m_mix.problem.empty()) warnings << QStringLiteral("\u26a0 ") + toQt(m_mix.problem);
    for (const std::string& warning : m_mix.warnings) {
        warnings << QStringLiteral("\u26a0 ") + toQt(warning);
    }
    m_warnings->setText(warnings.join(QLatin1Char('\n')));
    m_warnings->setVisible(!warnings.isEmpty());
}

void MixPage::setValue(int source, const char* field, const QString& value) {
    const auto done =
        m_context.document.setSetting(keyOf(static_cast<size_t>(source), field), value);
    if (!done.ok()) m_state->setText(QStringLiteral("\u26a0 ") + toQt(done.error()));
}

// From copies to weights nothing changes yet: each weight is the share that the source has.
void MixPage::chooseAmount(int choice) {
    const core::Recipe& recipe = m_context.document.recipe();
    std::vector<std::pair<QString, QString>> values;
    if (choice != ByCopies) {
        values.emplace_back(QStringLiteral("mix.by"), choice == ByRowWeight
                                                          ? QStringLiteral("rows")
                                                          : QStringLiteral("trained_tokens"));
    }
    for (size_t i = 0; i < recipe.data.size(); ++i) {
        if (!isTrainedOn(recipe.data[i])) continue;
        const bool has_weight = recipe.data[i].weight.has_value();
        if (choice == ByCopies) {
            values.emplace_back(keyOf(i, "weight"), QString());
        } else if (!has_weight) {
            const MixShare& share = m_mix.sources[i];
            const double tokens = static_cast<double>(share.trained_tokens_per_epoch);
            const double rows = static_cast<double>(share.rows_per_epoch);
            const double all = static_cast<double>(
                choice == ByRowWeight ? m_mix.rows_per_epoch : m_mix.trained_tokens_per_epoch);
            const double part = choice == ByRowWeight ? rows : tokens;
            values.emplace_back(keyOf(i, "weight"),
                                QString::number(all > 0 ? 100 * part / all : 1.0, 'g', 4));
        }
    }
    const QString text = choice == ByCopies ? tr("Mix by copies") : tr("Mix by weights");
    const auto done = m_context.document.setSettings(text, values);
    if (!done.ok()) m_state->setText(QStringLiteral("\u26a0 ") + toQt(done.error()));
    showMix();
}

// By weights a source is left out by the weight 0, by copies by taking none of its rows. What it
// had before comes back with the tick.
void MixPage::include(int source, bool included) {
    const core::Recipe& recipe = m_context.document.recipe();
    const auto index = static_cast<size_t>(source);
    const QString name = m_names[source];
    std::vector<std::pair<QString, QString>> values;
    if (!included && isMixedByWeight(recipe)) {
        values.emplace_back(keyOf(index, "weight"), QStringLiteral("0"));
    } else if (!included) {
        values.emplace_back(keyOf(index, "take.rows"), QStringLiteral("0"));
        values.emplace_back(keyOf(index, "take.fraction"), QString());
    } else if (m_before.contains(name)) {
        values = m_before[name];
    } else {
        if (isMixedByWeight(recipe))
            values.emplace_back(keyOf(index, "weight"), QStringLiteral("1"));
        values.emplace_back(keyOf(index, "take.rows"), QString());
        values.emplace_back(keyOf(index, "take.fraction"), QString());
    }
    if (!included) {
        auto& before = m_before[name];
        before.clear();
        for (const auto& [key, value] : values) {
            before.emplace_back(key, toQt(core::setting_value(recipe, toStd(key))));
        }
    }
    const auto done = m_context.document.setSettings(
        included ? tr("Include %1").arg(name) : tr("Leave out %1").arg(name), values);
    if (!done.ok()) m_state->setText(QStringLiteral("\u26a0 ") + toQt(done.error()));
    showMix();
}

}  // namespace dayrun::ui
