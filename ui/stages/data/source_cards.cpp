// Neighbours: core/data/read_samples.h counts, data_stage.cpp reacts.
#include "ui/stages/data/source_cards.h"

#include <algorithm>
#include <cmath>

#include "core/base/clock.h"
#include "core/base/units.h"
#include "core/data/read_samples.h"
#include "core/recipe/recipe_schema.h"
#include "ui/bridge/text.h"
#include "ui/widgets/basics.h"

namespace dayrun::ui {
namespace {

// Reading goes on this long at most; then the count is scaled up and said to be an estimate.
constexpr double kCountForSeconds = 4;
constexpr size_t kCountBlock = 1000;

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

bool sameReading(const core::DataSpec& a, const core::DataSpec& b) {
    return a.path == b.path && a.converter == b.converter && a.columns == b.columns &&
           a.split == b.split;
}

}  // namespace

core::Result<SourceCount> countSource(const core::DataSpec& spec,
                                      const std::filesystem::path& folder, std::stop_token stop) {
    TRY(source, core::open_source(spec, folder, core::Hashing::No));
    SourceCount count{.rows = 0,
                      .is_estimate = false,
                      .bytes = source.bytes(),
                      .files = static_cast<int64_t>(source.files.size()),
                      .bad_rows = 0,
                      .converter = {},
                      .dropped = {}};
    core::SampleReader reader(std::move(source));
    const core::Stopwatch watch;
    std::vector<core::Sample> block;
    bool has_more = true;
    while (has_more && !stop.stop_requested() && watch.elapsed_s() < kCountForSeconds) {
        block.clear();
        TRY(more, reader.read(kCountBlock, block));
        has_more = more;
    }
    count.rows = reader.rows_in();
    count.bad_rows = reader.bad_rows();
    count.converter = reader.converter_name();
    count.dropped = reader.dropped();
    if (has_more && reader.bytes_read() > 0) {
        count.is_estimate = true;
        count.rows =
            std::llround(static_cast<double>(count.rows) * static_cast<double>(count.bytes) /
                         static_cast<double>(reader.bytes_read()));
    }
    return count;
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
        m_folder == recipe.folder &&
        std::equal(m_entries.begin(), m_entries.end(), recipe.data.begin(), recipe.data.end(),
                   [](const Entry& entry, const core::DataSpec& b) {
                       return sameReading(entry.spec, b) && entry.spec.name == b.name &&
                              entry.spec.use == b.use;
                   });
    if (is_same && !m_entries.empty()) return;
    m_folder = recipe.folder;
    std::vector<Entry> old = std::move(m_entries);
    m_entries.clear();
    clearLayout(m_column);
    for (size_t i = 0; i < recipe.data.size(); ++i) {
        m_entries.push_back({});
        m_entries.back().spec = recipe.data[i];
        // A count that is known stays: only what is read anew is counted anew.
        for (Entry& before : old) {
            if (before.result && sameReading(before.spec, recipe.data[i])) {
                m_entries.back().result = std::move(before.result);
                break;
            }
        }
        addCard(i, recipe.folder);
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
    entry.card->setAccessibleName(tr("Source %1").arg(name));
    const int number = static_cast<int>(index);
    connect(entry.card, &Card::activated, this, [this, number] {
        setCurrent(number);
        Q_EMIT chosen(number);
    });
    m_column->addWidget(entry.card);
    if (entry.result) return showCount(index);
    entry.job = startJob(
        this, [spec, folder](std::stop_token stop) { return countSource(spec, folder, stop); },
        [this, index](core::Result<SourceCount> result) {
            if (index >= m_entries.size()) return;
            m_entries[index].result =
                std::make_unique<core::Result<SourceCount>>(std::move(result));
            showCount(index);
            Q_EMIT countsChanged();
        });
}

void SourceCards::showCount(size_t index) {
    Entry& entry = m_entries[index];
    const core::Result<SourceCount>& result = *entry.result;
    QString text;
    if (!result.ok()) {
        text = QStringLiteral("\u26a0 ") + toQt(result.error().message);
        setKind(entry.rows, "bad");
    } else {
        const QString rows = toQt(core::format_count(result->rows));
        text = result->is_estimate ? tr("about %1 rows").arg(rows) : tr("%1 rows").arg(rows);
        if (result->bad_rows > 0) {
            text += tr(", \u26a0 %1 bad").arg(toQt(core::format_count(result->bad_rows)));
        }
        text += QStringLiteral("  \u00b7  ") + useText(entry.spec.use);
    }
    entry.rows->setText(text);
    entry.card->setAccessibleDescription(text);
}

const core::Result<SourceCount>* SourceCards::counted(int index) const {
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
