// Neighbours: core/compile/cache/cache_folder.h lists and deletes, shell opens it from menu Data.
#include "ui/panels/cache_panel.h"

#include <QDateTime>
#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTableWidget>
#include <QVBoxLayout>

#include "core/base/units.h"
#include "ui/look/basics.h"
#include "ui/look/row_table.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

enum Column { Use, Bytes, Built, File, kColumnCount };

}  // namespace

CachePanel::CachePanel(std::filesystem::path folder, CachesInUse in_use, QWidget* parent)
    : QDialog(parent), m_folder(std::move(folder)), m_in_use(std::move(in_use)) {
    setWindowTitle(tr("Token caches"));
    resize(720, 420);
    auto* column = new QVBoxLayout(this);
    column->setSpacing(10);
    m_summary = makeLabel({});
    m_summary->setWordWrap(true);
    m_summary->setAccessibleName(tr("Size of the caches"));
    column->addWidget(m_summary);
    m_table = new QTableWidget(0, kColumnCount);
    m_table->setHorizontalHeaderLabels({tr("Used by"), tr("Size"), tr("Built"), tr("File")});
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    prepareTable(*m_table, tr("Token caches"), tr("One line a cache, the newest first"));
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(File, QHeaderView::Stretch);
    column->addWidget(m_table, 1);
    auto* hint = makeLabel(tr("A cache holds one source tokenized in one way. Deleting one costs "
                              "the time to build it again, nothing else."),
                           "muted");
    hint->setWordWrap(true);
    column->addWidget(hint);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    m_prune = makeButton(tr("Delete what this recipe does &not use"),
                         tr("Keeps the caches of the open recipe"));
    buttons->addButton(m_prune, QDialogButtonBox::ActionRole);
    m_clear = makeButton(tr("Delete &all"), tr("Those of the open recipe are built anew"));
    buttons->addButton(m_clear, QDialogButtonBox::ActionRole);
    column->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_prune, &QPushButton::clicked, this, [this] { remove(false); });
    connect(m_clear, &QPushButton::clicked, this, [this] { remove(true); });
    showFiles();
    readFolder();
}

QString CachePanel::summaryText() const {
    return m_summary->text();
}

QString CachePanel::usedBy(const std::filesystem::path& file) const {
    for (const auto& [used, source] : m_in_use) {
        if (used == file) return source;
    }
    return {};
}

void CachePanel::readFolder() {
    m_job = startJob(
        this, [folder = m_folder](std::stop_token) { return core::list_cache_files(folder); },
        [this](std::vector<core::CacheFile> files) {
            m_files = std::move(files);
            showFiles();
        });
}

void CachePanel::showFiles() {
    int64_t bytes = 0;
    int64_t unused_bytes = 0;
    m_table->setRowCount(static_cast<int>(m_files.size()));
    int row = 0;
    for (const core::CacheFile& file : m_files) {
        const QString used = usedBy(file.path);
        bytes += file.bytes;
        if (used.isEmpty()) unused_bytes += file.bytes;
        const auto built = QDateTime::fromSecsSinceEpoch(static_cast<qint64>(file.modified_at));
        const QStringList texts{
            used.isEmpty() ? tr("not this recipe") : used, toQt(core::format_bytes(file.bytes)),
            QLocale().toString(built, QLocale::ShortFormat), pathText(file.path.filename())};
        for (int column = 0; column < kColumnCount; ++column) {
            auto* item = new QTableWidgetItem(texts[column]);
            item->setToolTip(texts[column]);
            if (column == Bytes) item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            m_table->setItem(row, column, item);
        }
        ++row;
    }
    m_prune->setEnabled(unused_bytes > 0);
    m_clear->setEnabled(!m_files.empty());
    m_summary->setText(m_files.empty()
                           ? tr("This project has no token caches.")
                           : tr("%1 in %2, of which %3 are not used by the open recipe.")
                                 .arg(counted(std::ssize(m_files), tr("cache"), tr("caches")),
                                      toQt(core::format_bytes(bytes)),
                                      toQt(core::format_bytes(unused_bytes))));
}

void CachePanel::remove(bool with_used) {
    std::vector<core::CacheFile> doomed;
    bool has_used = false;
    for (const core::CacheFile& file : m_files) {
        const bool is_used = !usedBy(file.path).isEmpty();
        if (is_used && !with_used) continue;
        has_used = has_used || is_used;
        doomed.push_back(file);
    }
    m_job = startJob(
        this,
        [doomed = std::move(doomed)](std::stop_token) { return core::remove_cache_files(doomed); },
        [this, has_used](const core::Result<int64_t>& freed) {
            if (freed.ok()) {
                readFolder();
                if (has_used) Q_EMIT usedCachesGone();
                return;
            }
            m_summary->setText(QStringLiteral("\u26a0 ") + toQt(freed.error()));
        });
}

}  // namespace dayrun::ui
