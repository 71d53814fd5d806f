// Neighbours: source_look.h reads, column_mapping.h maps, data_stage.cpp adds.
#include "ui/stages/data/import_sheet.h"

#include <QComboBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QListWidget>
#include <QSplitter>
#include <QTextEdit>

#include "core/base/units.h"
#include "core/data/converters/converter.h"
#include "core/data/data_source.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/models/live_mix.h"
#include "ui/models/sample_text.h"
#include "ui/stages/data/column_mapping.h"
#include "ui/stages/data/source_cards.h"

namespace dayrun::ui {
namespace {

// Enough for types and detection; the whole file is counted by the look.
constexpr int64_t kFirstRows = 1000;
const QString kByColumns = QStringLiteral("*columns");

core::Result<core::FileInspection> inspectFirst(const core::DataSpec& spec,
                                                const std::filesystem::path& folder,
                                                std::stop_token stop) {
    TRY(source, core::open_source(spec, folder, core::Hashing::No));
    return core::inspect_file(source.files.front().path, stop, kFirstRows);
}

QString partsText(const std::vector<core::Sample>& samples) {
    QStringList texts;
    for (const core::Sample& sample : samples) {
        QStringList parts;
        for (const SamplePart& part : sampleParts(sample)) {
            parts << QStringLiteral("%1:\n%2").arg(part.name, part.text.left(1500));
        }
        texts << parts.join(QStringLiteral("\n\n"));
    }
    return texts.join(QStringLiteral("\n\n\u2500\u2500\u2500\u2500\n\n"));
}

}  // namespace

ImportSheet::ImportSheet(std::vector<core::DataSpec> sources, std::filesystem::path folder, Use use,
                         QWidget* parent)
    : QDialog(parent), m_folder(std::move(folder)), m_purpose(use) {
    setWindowTitle(use == Use::AddSources ? tr("Import data") : tr("How the source is read"));
    resize(900, 640);
    for (core::DataSpec& spec : sources) {
        m_entries.push_back({});
        m_entries.back().spec = std::move(spec);
    }
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(18, 16, 18, 16);
    column->setSpacing(12);
    auto* split = new QSplitter;
    split->setChildrenCollapsible(false);
    split->setHandleWidth(14);
    if (m_entries.size() > 1) split->addWidget(makeList(use));
    split->addWidget(makeDetails());
    split->setStretchFactor(split->count() - 1, 1);
    column->addWidget(split, 1);
    auto* buttons = new QHBoxLayout;
    buttons->addStretch();
    auto* cancel = makeButton(tr("Cancel"), tr("Change nothing"));
    connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
    buttons->addWidget(cancel);
    m_accept = makeButton({}, tr("Puts it into the recipe; undo takes it back"), "primary");
    m_accept->setDefault(true);
    connect(m_accept, &QPushButton::clicked, this, &QDialog::accept);
    buttons->addWidget(m_accept);
    column->addLayout(buttons);
    showAcceptable();
    show(0);
    for (size_t i = 0; i < m_entries.size(); ++i) startFile(i);
}

QWidget* ImportSheet::makeList(Use) {
    m_list = new QListWidget;
    m_list->setAccessibleName(tr("What is imported"));
    m_list->setMaximumWidth(240);
    for (const Entry& entry : m_entries) m_list->addItem(toQt(entry.spec.name));
    m_list->setCurrentRow(0);
    connect(m_list, &QListWidget::currentRowChanged, this, [this](int row) {
        if (row >= 0) show(row);
    });
    return m_list;
}

QWidget* ImportSheet::makeDetails() {
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    m_path = new ElidedLabel({}, Qt::ElideMiddle);
    m_path->setFont(Theme::titleFont(m_path->font()));
    column->addWidget(m_path);
    m_facts = makeLabel({}, "muted");
    m_facts->setWordWrap(true);
    column->addWidget(m_facts);
    auto* form = new QFormLayout;
    form->setLabelAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_name = new QLineEdit;
    m_name->setAccessibleName(tr("Name of the source"));
    m_name->setAccessibleDescription(tr("Used in reports and charts"));
    connect(m_name, &QLineEdit::textEdited, this, [this](const QString& text) {
        m_entries[m_current].spec.name = toStd(text.trimmed());
        showAcceptable();
    });
    form->addRow(tr("Name"), m_name);
    m_converter = new QComboBox;
    m_converter->setAccessibleName(tr("Read as"));
    m_converter->setAccessibleDescription(tr("The known set whose layout the rows have"));
    fillConverters();
    connect(m_converter, &QComboBox::activated, this, &ImportSheet::chooseConverter);
    form->addRow(tr("Read as"), m_converter);
    m_use = new QComboBox;
    m_use->setAccessibleName(tr("What its rows are for"));
    m_use->setAccessibleDescription(tr("Training, or only to measure with"));
    m_use->addItem(tr("train, part held out as the recipe says"));
    m_use->addItem(tr("train only"));
    m_use->addItem(tr("validation only"));
    m_use->addItem(tr("test only"));
    connect(m_use, &QComboBox::activated, this, [this](int row) {
        m_entries[m_current].spec.use = static_cast<core::SourceUse>(row);
        showEntry();
    });
    form->addRow(tr("Used for"), m_use);
    column->addLayout(form);
    m_warning = makeLabel({}, "warning");
    m_warning->setWordWrap(true);
    column->addWidget(m_warning);
    m_mapping = new ColumnMapping;
    connect(m_mapping, &ColumnMapping::mappingChanged, this, &ImportSheet::changeMapping);
    column->addWidget(m_mapping, 2);
    m_problem = makeLabel({}, "bad");
    m_problem->setWordWrap(true);
    m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(m_problem);
    m_preview = new QTextEdit;
    m_preview->setReadOnly(true);
    m_preview->setTabChangesFocus(true);
    m_preview->setAccessibleName(tr("First samples"));
    m_preview->setAccessibleDescription(tr("What the rows become"));
    column->addWidget(m_preview, 3);
    return panel;
}

void ImportSheet::fillConverters() {
    m_converter->addItem(tr("the layout that fits (detected)"), QString());
    m_converter->addItem(tr("my own columns"), kByColumns);
    for (const core::Converter& converter : core::converters()) {
        m_converter->addItem(toQt(converter.title), toQt(converter.name));
    }
}

std::vector<core::DataSpec> ImportSheet::sources() const {
    std::vector<core::DataSpec> specs;
    for (const Entry& entry : m_entries) {
        if (isUsable(entry)) specs.push_back(entry.spec);
    }
    return specs;
}

// A source that is there already may be changed even while its file is away.
bool ImportSheet::isUsable(const Entry& entry) const {
    if (m_purpose == Use::ChangeSource || !entry.file) return true;
    const bool is_empty = entry.look && entry.look->ok() && (*entry.look)->rows == 0;
    return entry.file->ok() && !is_empty;
}

void ImportSheet::showAcceptable() {
    const auto usable = std::count_if(m_entries.begin(), m_entries.end(),
                                      [this](const Entry& entry) { return isUsable(entry); });
    const bool are_named = std::none_of(m_entries.begin(), m_entries.end(),
                                        [](const Entry& entry) { return entry.spec.name.empty(); });
    m_accept->setText(m_purpose == Use::ChangeSource ? tr("&Use this")
                      : usable == 1                  ? tr("&Add the source")
                                                     : tr("&Add %1 sources").arg(usable));
    m_accept->setEnabled(usable > 0 && are_named);
    if (m_list == nullptr) return;
    for (size_t i = 0; i < m_entries.size(); ++i) {
        const QString name = toQt(m_entries[i].spec.name);
        m_list->item(static_cast<int>(i))
            ->setText(isUsable(m_entries[i]) ? name : QStringLiteral("\u26a0 ") + name);
    }
}

bool ImportSheet::isByColumns(const core::DataSpec& spec) const {
    return spec.converter.empty() && !spec.columns.empty();
}

void ImportSheet::show(int index) {
    m_current = static_cast<size_t>(index);
    showEntry();
}

void ImportSheet::startFile(size_t index) {
    Entry& entry = m_entries[index];
    entry.file_job = startJob(
        this, Lane::Quick,
        [spec = entry.spec, folder = m_folder](std::stop_token stop) {
            return inspectFirst(spec, folder, stop);
        },
        [this, index](core::Result<core::FileInspection> file) {
            takeFile(index, std::move(file));
        });
}

void ImportSheet::takeFile(size_t index, core::Result<core::FileInspection> file) {
    Entry& entry = m_entries[index];
    // Where no set fits, the proposed mapping is tried.
    const bool is_open = entry.spec.converter.empty() && entry.spec.columns.empty();
    if (file.ok() && file->converter.empty() && is_open) {
        entry.spec.columns = file->mapping;
    }
    entry.file = std::move(file);
    showAcceptable();
    startLook(index);
    if (index == m_current) showEntry();
}

void ImportSheet::startLook(size_t index) {
    Entry& entry = m_entries[index];
    entry.look.reset();
    entry.look_job = startJob(
        this, Lane::Scan,
        [spec = entry.spec, folder = m_folder](std::stop_token stop) {
            return lookThrough(spec, folder, stop);
        },
        [this, index](core::Result<SourceLook> look) {
            m_entries[index].look = std::move(look);
            showAcceptable();
            if (index == m_current) showEntry();
        });
    if (index == m_current) showEntry();
}

void ImportSheet::chooseConverter() {
    Entry& entry = m_entries[m_current];
    const QString chosen = m_converter->currentData().toString();
    entry.spec.converter = chosen == kByColumns ? std::string() : toStd(chosen);
    entry.spec.columns.clear();
    if (chosen == kByColumns && entry.file && entry.file->ok()) {
        entry.spec.columns = (*entry.file)->mapping;
        // A mapping that maps nothing would be detection again: the first column is a beginning.
        if (entry.spec.columns.empty() && !(*entry.file)->columns.empty()) {
            entry.spec.columns = {{"text", (*entry.file)->columns.front().name}};
        }
    }
    startLook(m_current);
}

void ImportSheet::changeMapping() {
    m_entries[m_current].spec.columns = m_mapping->mapping();
    startLook(m_current);
}

void ImportSheet::showEntry() {
    const Entry& entry = m_entries[m_current];
    m_path->setText(toQt(entry.spec.path));
    if (toStd(m_name->text()) != entry.spec.name) m_name->setText(toQt(entry.spec.name));
    m_use->setCurrentIndex(static_cast<int>(entry.spec.use));
    const bool has_columns = entry.file && entry.file->ok() && !(*entry.file)->columns.empty();
    QString detected = tr("the layout that fits (detected)");
    if (entry.file && entry.file->ok()) {
        detected = (*entry.file)->converter.empty()
                       ? tr("detected: no known set fits")
                       : tr("detected: %1").arg(toQt((*entry.file)->converter_title));
        if (m_mapping->property("entry").toULongLong() != m_current + 1) {
            m_mapping->setColumns((*entry.file)->columns);
            m_mapping->setProperty("entry", static_cast<qulonglong>(m_current + 1));
        }
        m_mapping->setMapping(entry.spec.columns);
    }
    m_converter->setItemText(0, detected);
    const QString wanted = isByColumns(entry.spec) ? kByColumns : toQt(entry.spec.converter);
    m_converter->setCurrentIndex(std::max(m_converter->findData(wanted), 0));
    m_mapping->setVisible(has_columns);
    m_mapping->setEditable(isByColumns(entry.spec));
    showLook(entry);
}

void ImportSheet::showLook(const Entry& entry) {
    QStringList facts;
    QString problem;
    QString warning;
    if (entry.file && entry.file->ok()) {
        facts << toQt((*entry.file)->format).toUpper();
        if (!(*entry.file)->compression.empty()) facts << toQt((*entry.file)->compression);
    }
    if (entry.file && !entry.file->ok()) problem = toQt(entry.file->error());
    if (!entry.look) {
        facts << tr("reading…");
    } else if (!entry.look->ok()) {
        problem = toQt(entry.look->error());
        m_preview->setPlainText({});
    } else {
        const SourceLook& look = **entry.look;
        facts << toQt(core::format_bytes(look.bytes))
              << counted(look.files, tr("file"), tr("files"))
              << (look.is_estimate ? tr("about %1 rows") : tr("%1 rows"))
                     .arg(toQt(core::format_count(look.rows)));
        if (!look.licence.empty()) facts << tr("licence: %1").arg(toQt(look.licence));
        for (const auto& [reason, left] : look.dropped.reasons) {
            facts << tr("%1 left out: %2").arg(toQt(core::format_count(left.count)), toQt(reason));
        }
        if (look.rows == 0) {
            problem = tr("There are no rows in it.");
        } else if (!look.first_bad_row.empty()) {
            problem = tr("First failing row: %1").arg(toQt(look.first_bad_row));
        }
        if (!look.warning.empty() && isTrainedOn(entry.spec)) warning = warningText(look.warning);
        m_preview->setPlainText(partsText(look.first_samples));
    }
    m_facts->setText(facts.join(QStringLiteral("  \u00b7  ")));
    m_problem->setText(problem.isEmpty() ? QString() : QStringLiteral("\u26a0 ") + problem);
    m_problem->setVisible(!problem.isEmpty());
    m_warning->setText(warning);
    m_warning->setVisible(!warning.isEmpty());
}

QString ImportSheet::problemText() const {
    return m_problem->text();
}
QString ImportSheet::factsText() const {
    return m_facts->text();
}

bool ImportSheet::isQuiet() const {
    return std::all_of(m_entries.begin(), m_entries.end(), [](const Entry& entry) {
        return entry.file && (entry.look || !entry.file->ok());
    });
}

}  // namespace dayrun::ui
