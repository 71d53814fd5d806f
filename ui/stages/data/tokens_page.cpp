// Neighbours: models/lens_reader.h searches and reads, panels/token_lens.h draws.
#include "ui/stages/data/tokens_page.h"

#include <QComboBox>
#include <QHeaderView>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTableView>
#include <QVBoxLayout>

#include "core/base/units.h"
#include "ui/look/basics.h"
#include "ui/look/number_field.h"
#include "ui/look/row_table.h"
#include "ui/look/text.h"
#include "ui/models/cached_sample_model.h"
#include "ui/panels/token_lens.h"
#include "ui/project/prepared_data.h"

namespace dayrun::ui {
namespace {

// Behind the searches of single samples stands the packed view.
constexpr int kPackedRows = static_cast<int>(LensSearch::kCount);

}  // namespace

TokensPage::TokensPage(StageContext context, PreparedData& prepared,
                       std::shared_ptr<SourceRows> rows, QWidget* parent)
    : QWidget(parent), m_context(context), m_prepared(prepared), m_rows(std::move(rows)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 8, 0, 0);
    auto* split = new QSplitter;
    split->setChildrenCollapsible(false);
    split->setHandleWidth(12);
    split->addWidget(makeLeft());
    m_lens = new TokenLens;
    m_lens->setMinimumWidth(240);
    split->addWidget(m_lens);
    split->setStretchFactor(0, 2);
    split->setStretchFactor(1, 3);
    column->addWidget(split);
    connect(&prepared, &PreparedData::changed, this, [this] {
        if (isVisible()) refresh();
    });
}

QWidget* TokensPage::makeLeft() {
    auto* panel = new QWidget;
    panel->setMinimumWidth(220);
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    m_what = makeChoice(tr("Search the tokens"), tr("Which samples or packed rows are listed"));
    for (const QString& text :
         {tr("all samples"), tr("samples whose stop token is not trained"),
          tr("samples that are cut off"), tr("samples that are left out"),
          tr("samples with fewer than 4 trained tokens"), tr("samples without exactly one BOS"),
          tr("packed rows of an epoch")}) {
        m_what->addItem(text);
    }
    connect(m_what, &QComboBox::currentIndexChanged, this, &TokensPage::search);
    column->addWidget(m_what);
    auto* line = new QHBoxLayout;
    m_source = makeChoice(tr("Source"), tr("Of which source the samples are"));
    connect(m_source, &QComboBox::currentIndexChanged, this, &TokensPage::search);
    line->addWidget(m_source, 1);
    m_epoch = new WholeNumberField;
    m_epoch->setAccessibleName(tr("Epoch"));
    m_epoch->setAccessibleDescription(tr("Whose packed rows are listed"));
    m_epoch->setRange(1, 1000);
    m_epoch->setPrefix(tr("epoch "));
    connect(m_epoch, &WholeNumberField::valueChanged, this, &TokensPage::search);
    line->addWidget(m_epoch);
    column->addLayout(line);
    m_state = new ElidedLabel;
    m_state->setAccessibleName(tr("Found"));
    column->addWidget(m_state);
    m_found = new CachedSampleModel(this);
    m_table = new QTableView;
    m_table->setModel(m_found);
    prepareTable(*m_table, tr("Samples and rows found"), tr("The lens follows the arrow keys"));
    m_table->horizontalHeader()->setStretchLastSection(true);
    const int digits = m_table->fontMetrics().horizontalAdvance(QStringLiteral("88,888")) + 24;
    m_table->setColumnWidth(CachedSampleModel::Name, 112);
    m_table->setColumnWidth(CachedSampleModel::Tokens, digits);
    m_table->setColumnWidth(CachedSampleModel::Trained, digits);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &TokensPage::showSelected);
    column->addWidget(m_table, 1);
    return panel;
}

void TokensPage::fillSources() {
    const QSignalBlocker quiet(m_source);
    const QString chosen = m_source->currentText();
    m_source->clear();
    m_source->addItem(tr("all sources"), -1);
    const auto prepared = m_prepared.prepared();
    if (!prepared) return;
    for (size_t i = 0; i < prepared->data->sources.size(); ++i) {
        m_source->addItem(toQt(prepared->data->sources[i].name), static_cast<int>(i));
    }
    m_source->setCurrentIndex(std::max(m_source->findText(chosen), 0));
}

void TokensPage::refresh() {
    showState();
    if (m_prepared.prepared() == m_searched) return;
    fillSources();
    search();
}

void TokensPage::showSearch(LensSearch search) {
    m_what->setCurrentIndex(static_cast<int>(search));
}

void TokensPage::search() {
    m_search_job.cancel();
    m_searched = m_prepared.prepared();
    const bool is_packed = m_what->currentIndex() == kPackedRows;
    m_source->setVisible(!is_packed);
    m_epoch->setVisible(is_packed);
    m_found->clear();
    m_lens->clear(tr("Select a sample to see its tokens."));
    m_is_searching = m_searched != nullptr;
    showState();
    if (!m_searched) return;
    if (is_packed) {
        readEpoch();
    } else {
        searchCached();
    }
}

void TokensPage::searchCached() {
    m_search_job = startJob(
        this, Lane::Scan,
        [prepared = m_searched, what = static_cast<LensSearch>(m_what->currentIndex()),
         source = m_source->currentData().toInt()](std::stop_token stop) {
            return searchSamples(*prepared, what, source, stop);
        },
        [this](core::Result<std::vector<core::SampleRef>> found) {
            m_is_searching = false;
            showState();
            if (!found.ok()) return m_lens->clear(toQt(found.error()));
            m_found->setSamples(m_searched, std::move(*found));
            showState();
            if (m_found->rowCount() > 0) m_table->selectRow(0);
        });
}

void TokensPage::readEpoch() {
    m_search_job = startJob(
        this, Lane::Scan,
        [prepared = m_searched, epoch = m_epoch->value() - 1](std::stop_token) {
            return std::make_shared<const core::EpochPlan>(prepared->data->plan_epoch(epoch));
        },
        [this](std::shared_ptr<const core::EpochPlan> plan) {
            m_is_searching = false;
            m_found->setRows(m_searched, std::move(plan));
            showState();
            if (m_found->rowCount() > 0) m_table->selectRow(0);
        });
}

void TokensPage::showState() {
    QString text;
    const char* kind = "muted";
    const QString number = toQt(core::format_count(m_found->rowCount()));
    if (!m_prepared.problem().isEmpty() && !m_prepared.isBusy()) {
        text = QStringLiteral("\u26a0 ") + m_prepared.problem();
        kind = "bad";
    } else if (m_prepared.isBusy()) {
        text = tr("reading the data: %1").arg(m_prepared.progressText());
    } else if (m_is_searching) {
        text = tr("searching…");
    } else if (m_found->isOfRows()) {
        text = tr("%1 packed rows").arg(number);
    } else {
        text = m_found->rowCount() == 0 ? tr("no such sample") : tr("%1 samples").arg(number);
    }
    m_state->setText(text);
    setKind(m_state, kind);
}

void TokensPage::showSelected() {
    const int row = m_table->currentIndex().row();
    if (row < 0 || row >= m_found->rowCount() || !m_found->prepared()) return;
    std::vector<core::SampleRef> documents;
    if (const auto& plan = m_found->plan()) {
        for (const uint32_t place : plan->rows[static_cast<size_t>(row)]) {
            documents.push_back(plan->samples[place]);
        }
    } else {
        documents.push_back(m_found->sample(row));
    }
    m_names_job.cancel();
    m_lens_job = startJob(
        this,
        [prepared = m_found->prepared(), documents](std::stop_token) {
            return readCachedLens(*prepared, documents);
        },
        [this, documents](core::Result<LensPage> page) {
            if (!page.ok()) return m_lens->clear(toQt(page.error()));
            const QString why = toQt(page->view.dropped_because);
            if (page->view.tokens.empty()) {
                return m_lens->clear(tr("The cache keeps no tokens of this sample: %1.").arg(why));
            }
            m_lens->showPage(*page);
            nameSelected(std::move(*page), documents);
        });
}

// The names of the parts need the files themselves: they follow when those are read.
void TokensPage::nameSelected(LensPage page, std::vector<core::SampleRef> documents) {
    m_names_job = startJob(
        this, Lane::Scan,
        [rows = m_rows, prepared = m_found->prepared(), page = std::move(page),
         documents = std::move(documents)](std::stop_token stop) mutable {
            nameParts(*prepared, documents, *rows, stop, page);
            return std::move(page);
        },
        [this](LensPage named) { m_lens->showPage(std::move(named)); });
}

}  // namespace dayrun::ui
