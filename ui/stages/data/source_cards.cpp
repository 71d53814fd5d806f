// Neighbours: source_look.h counts, data_stage.cpp reacts.
#include "ui/stages/data/source_cards.h"

#include <algorithm>

#include "core/base/units.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/models/live_mix.h"

namespace dayrun::ui {
namespace {

QString useText(core::SourceUse use) {
    switch (use) {
        case core::SourceUse::BySplit:
            return SourceCards::tr("train, part held out");
        case core::SourceUse::Train:
            return SourceCards::tr("train");
        case core::SourceUse::Validation:
            return SourceCards::tr("validation");
        case core::SourceUse::Test:
            return SourceCards::tr("test");
    }
    return {};
}

}  // namespace

QString warningText(const std::string& warning) {
    const QString text = toQt(warning);
    const bool says_it = text.contains(QStringLiteral("do not train"), Qt::CaseInsensitive);
    return QStringLiteral("\u26a0 ") + (says_it ? text : SourceCards::tr("Do not train: ") + text);
}

SourceCards::SourceCards(QWidget* parent) : QWidget(parent) {
    setProperty("kind", QStringLiteral("clear"));
    m_column = new QVBoxLayout(this);
    m_column->setContentsMargins(0, 0, 8, 0);
    m_column->setSpacing(8);
    m_column->addStretch();
}

void SourceCards::setSources(const core::Recipe& recipe) {
    const bool is_same =
        m_folder == recipe.data_folder() &&
        std::equal(m_entries.begin(), m_entries.end(), recipe.data.begin(), recipe.data.end(),
                   [](const Entry& entry, const core::DataSpec& b) {
                       return isReadAlike(entry.spec, b) && entry.spec.name == b.name &&
                              entry.spec.use == b.use;
                   });
    if (is_same && !m_entries.empty()) return;
    m_folder = recipe.data_folder();
    std::vector<Entry> old = std::move(m_entries);
    m_entries.clear();
    clearLayout(m_column);
    for (size_t i = 0; i < recipe.data.size(); ++i) {
        m_entries.push_back({});
        m_entries.back().spec = recipe.data[i];
        // A count that is known stays: only what is read anew is counted anew.
        for (Entry& before : old) {
            if (before.result && isReadAlike(before.spec, recipe.data[i])) {
                m_entries.back().result = std::move(before.result);
                break;
            }
        }
        addCard(i, recipe.data_folder());
    }
    m_column->addStretch();
    setCurrent(std::min(std::max(m_current, 0), count() - 1));
    Q_EMIT countsChanged();
}

void SourceCards::addCard(size_t index, const std::filesystem::path& folder) {
    Entry& entry = m_entries[index];
    const core::DataSpec& spec = entry.spec;
    entry.card = new Card(Card::Use::Clickable);
    entry.card->body()->setSpacing(3);
    const QString name = spec.name.empty() ? tr("source %1").arg(index + 1) : toQt(spec.name);
    auto* title = new ElidedLabel(name);
    QFont font = title->font();
    font.setWeight(QFont::DemiBold);
    title->setFont(font);
    entry.card->body()->addWidget(title);
    auto* path = new ElidedLabel(toQt(spec.path), Qt::ElideMiddle);
    path->setProperty("kind", QStringLiteral("muted"));
    path->setToolTip(toQt(spec.path));
    entry.card->body()->addWidget(path);
    entry.rows = new ElidedLabel(tr("counting rows…"));
    entry.card->body()->addWidget(entry.rows);
    entry.licence = new ElidedLabel;
    entry.licence->setProperty("kind", QStringLiteral("muted"));
    entry.licence->hide();
    entry.card->body()->addWidget(entry.licence);
    entry.warning = makeLabel({}, "warning");
    entry.warning->setWordWrap(true);
    entry.warning->hide();
    entry.card->body()->addWidget(entry.warning);
    entry.card->setAccessibleName(tr("Source %1").arg(name));
    const int number = static_cast<int>(index);
    connect(entry.card, &Card::activated, this, [this, number] {
        setCurrent(number);
        Q_EMIT chosen(number);
    });
    m_column->addWidget(entry.card);
    if (entry.result) return showCount(index);
    entry.job = startJob(
        this, Lane::Scan,
        [spec, folder](std::stop_token stop) { return lookThrough(spec, folder, stop); },
        [this, index](core::Result<SourceLook> result) {
            if (index >= m_entries.size()) return;
            m_entries[index].result = std::make_unique<core::Result<SourceLook>>(std::move(result));
            showCount(index);
            Q_EMIT countsChanged();
        });
}

void SourceCards::showCount(size_t index) {
    Entry& entry = m_entries[index];
    const core::Result<SourceLook>& result = *entry.result;
    if (!result.ok()) {
        entry.rows->setText(QStringLiteral("\u26a0 ") + toQt(result.error().message));
        setKind(entry.rows, "bad");
        entry.card->setAccessibleDescription(entry.rows->text());
        return;
    }
    const QString rows = toQt(core::format_count(result->rows));
    QString text = result->is_estimate ? tr("about %1 rows").arg(rows) : tr("%1 rows").arg(rows);
    if (result->bad_rows > 0) {
        text += tr(", \u26a0 %1 bad").arg(toQt(core::format_count(result->bad_rows)));
    }
    text += QStringLiteral("  \u00b7  ") + useText(entry.spec.use);
    entry.rows->setText(text);
    // Whose data it is stands on the card; what the person brought has no licence that we know.
    QStringList origin;
    if (!result->title.empty()) origin << toQt(result->title);
    if (!result->licence.empty()) origin << tr("licence %1").arg(toQt(result->licence));
    entry.licence->setText(origin.join(QStringLiteral("  \u00b7  ")));
    entry.licence->setVisible(!origin.isEmpty());
    const bool warns = !result->warning.empty() && isTrainedOn(entry.spec);
    entry.warning->setText(warns ? warningText(result->warning) : QString());
    entry.warning->setVisible(warns);
    entry.card->setAccessibleDescription(
        QStringList{text, entry.licence->text(), entry.warning->text()}.join(QLatin1Char(' ')));
}

const core::Result<SourceLook>* SourceCards::counted(int index) const {
    if (index < 0 || index >= count()) return nullptr;
    return m_entries[static_cast<size_t>(index)].result.get();
}

void SourceCards::setCurrent(int index) {
    m_current = index;
    for (size_t i = 0; i < m_entries.size(); ++i) {
        m_entries[i].card->setSelected(static_cast<int>(i) == index);
    }
}

}  // namespace dayrun::ui
