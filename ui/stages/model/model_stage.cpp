// Neighbour: core/model/model_folder.h looks into the folders.
#include "ui/stages/model/model_stage.h"

#include <QFileDialog>
#include <QHBoxLayout>
#include <QListWidget>
#include <QScrollArea>
#include <QSplitter>

#include "core/base/units.h"
#include "core/device/cuda_probe.h"
#include "core/recipe/recipe_schema.h"
#include "ui/bridge/run_controller.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/panels/inspector.h"
#include "ui/project/project_document.h"

namespace dayrun::ui {
namespace {

constexpr int kFolderRole = Qt::UserRole + 1;

FactList::Facts factsOf(const core::ModelFolderInfo& info) {
    const auto count = [](int64_t value) { return toQt(core::format_count(value)); };
    FactList::Facts facts;
    if (info.config) {
        const core::ModelConfig& c = *info.config;
        facts = {
            {ModelStage::tr("Family"), toQt(core::to_string(c.family))},
            {ModelStage::tr("Architecture"), toQt(c.architecture)},
            {ModelStage::tr("Parameters"), count(info.parameter_count)},
            {ModelStage::tr("Layers"), ModelStage::tr("%1 of width %2, %3 wide inside")
                                           .arg(count(c.num_hidden_layers), count(c.hidden_size),
                                                count(c.intermediate_size))},
            {ModelStage::tr("Attention"),
             ModelStage::tr("%1 heads, %2 for keys and values")
                 .arg(count(c.num_attention_heads), count(c.num_key_value_heads))},
            {ModelStage::tr("Vocabulary"), ModelStage::tr("%1 tokens").arg(count(c.vocab_size))},
            {ModelStage::tr("Context"),
             ModelStage::tr("%1 tokens").arg(count(c.max_position_embeddings))}};
    }
    facts.emplace_back(ModelStage::tr("Stored as"),
                       info.dtype.empty() ? ModelStage::tr("unknown") : toQt(info.dtype));
    facts.emplace_back(ModelStage::tr("On disk"), toQt(core::format_bytes(info.weight_bytes)));
    return facts;
}

}  // namespace

ModelStage::ModelStage(StageContext context, QWidget* parent) : Stage(parent), m_context(context) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 16, 20, 16);
    column->setSpacing(12);
    column->addWidget(makeTitle(tr("Base model")));
    auto* split = new QSplitter;
    split->setChildrenCollapsible(false);
    split->setHandleWidth(14);
    split->addWidget(makeList());
    split->addWidget(makeDetails());
    split->setStretchFactor(0, 2);
    split->setStretchFactor(1, 3);
    column->addWidget(split, 1);
    connect(&context.document, &ProjectDocument::recipeChanged, this, [this] {
        showChoice();
        checkBase();
    });
    reload();
    if (!baseFolder().empty()) inspect(baseFolder());
    checkBase();
}

QWidget* ModelStage::makeList() {
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    column->addWidget(makeLabel(tr("On this computer"), "section"));
    m_list = new QListWidget;
    m_list->setAccessibleName(tr("Models on this computer"));
    m_list->setAccessibleDescription(
        tr("The project's, chosen folders and the Hugging Face cache"));
    m_list->setMinimumWidth(220);
    m_list->setSpacing(1);
    column->addWidget(m_list, 1);
    m_list_note = makeLabel({}, "muted");
    m_list_note->setWordWrap(true);
    column->addWidget(m_list_note);
    column->addWidget(makeDeviceNote());
    auto* buttons = new QHBoxLayout;
    auto* folder = makeButton(tr("Choose a &folder…"),
                              tr("A folder in the Hugging Face layout, with config.json"));
    connect(folder, &QPushButton::clicked, this, [this] {
        const QString chosen = QFileDialog::getExistingDirectory(this, tr("Model folder"));
        if (!chosen.isEmpty()) choose(toPath(chosen));
    });
    buttons->addWidget(folder);
    auto* again = makeButton(tr("&Refresh"), tr("Look for models again"));
    connect(again, &QPushButton::clicked, this, &ModelStage::reload);
    buttons->addWidget(again);
    buttons->addStretch();
    column->addLayout(buttons);
    connect(m_list, &QListWidget::currentItemChanged, this, [this](QListWidgetItem* item) {
        if (item != nullptr) inspect(toPath(item->data(kFolderRole).toString()));
    });
    return panel;
}

// Where this window's runs train, and why not on a card.
QWidget* ModelStage::makeDeviceNote() {
    QString text = tr("Trains on %1.").arg(m_context.runs.deviceName());
    if (m_context.runs.device().kind == core::DeviceKind::Cpu) {
        text += QLatin1Char(' ') + toQt(core::why_no_card());
    }
    QLabel* const note = makeLabel(text.trimmed(), "muted");
    note->setObjectName(QStringLiteral("device note"));
    note->setWordWrap(true);
    return note;
}

QWidget* ModelStage::makeDetails() {
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    auto* card = new Card;
    QVBoxLayout* column = card->body();
    column->setContentsMargins(20, 18, 20, 18);
    column->setSpacing(10);
    m_title = makeLabel(tr("No model chosen"));
    m_title->setWordWrap(true);
    QFont font = m_title->font();
    font.setPointSizeF(font.pointSizeF() * 1.2);
    font.setWeight(QFont::DemiBold);
    m_title->setFont(font);
    column->addWidget(m_title);
    m_path =
        new ElidedLabel(tr("Select a model on the left, or choose a folder."), Qt::ElideMiddle);
    m_path->setProperty("kind", QStringLiteral("muted"));
    column->addWidget(m_path);
    column->addWidget(makeLine());
    m_facts = new FactList;
    column->addWidget(m_facts);
    column->addSpacing(4);
    column->addWidget(makeLabel(tr("Ready for a run?"), "section"));
    m_checks = new QVBoxLayout;
    m_checks->setSpacing(6);
    column->addLayout(m_checks);
    column->addStretch();
    auto* line = new QHBoxLayout;
    m_use = makeButton(tr("&Use as base"), tr("Write this folder into the recipe as base.path"),
                       "primary");
    m_use->setEnabled(false);
    connect(m_use, &QPushButton::clicked, this, [this] {
        const auto done = m_context.document.setSetting(
            QStringLiteral("base.path"), m_context.document.portable(m_shown.folder));
        if (!done.ok()) m_use_note->setText(toQt(done.error()));
    });
    line->addWidget(m_use);
    m_use_note = makeLabel(tr("Nothing selected"), "muted");
    m_use_note->setWordWrap(true);
    line->addWidget(m_use_note, 1);
    column->addLayout(line);
    scroll->setWidget(card);
    return scroll;
}

std::filesystem::path ModelStage::baseFolder() const {
    const core::Recipe& recipe = m_context.document.recipe();
    return recipe.resolved(recipe.base.path);
}

void ModelStage::reload() {
    std::vector<std::filesystem::path> folders = m_extra_folders;
    folders.push_back(m_context.document.project().folder() / "base");
    if (!baseFolder().empty()) folders.push_back(baseFolder());
    m_list_note->setText(tr("Looking…"));
    m_list_job = startJob(
        this, [folders](std::stop_token) { return core::list_local_models(folders); },
        [this](const std::vector<core::LocalModel>& models) { showModels(models); });
}

void ModelStage::showModels(const std::vector<core::LocalModel>& models) {
    const QSignalBlocker quiet(m_list);
    m_list->clear();
    QStringList seen;
    for (const core::LocalModel& model : models) {
        std::error_code ignored;
        const QString folder = pathText(std::filesystem::weakly_canonical(model.folder, ignored));
        if (seen.contains(folder)) continue;
        seen << folder;
        auto* item = new QListWidgetItem(makeIcon(Glyph::Model), toQt(model.name));
        item->setData(kFolderRole, folder);
        item->setToolTip(folder);
        item->setData(Qt::AccessibleDescriptionRole, folder);
        m_list->addItem(item);
    }
    const QString cache = pathText(core::hub_cache_folder());
    m_list_note->setText(
        m_list->count() == 0
            ? tr("No model found in the project or in %1. Choose a folder with a config.json.")
                  .arg(cache)
            : tr("Looked in the project and in %1.").arg(cache));
    showChoice();
}

void ModelStage::choose(const std::filesystem::path& folder) {
    m_extra_folders.push_back(folder);
    reload();
    inspect(folder);
}

void ModelStage::inspect(const std::filesystem::path& folder) {
    m_inspect_job = startJob(
        this, [folder](std::stop_token) { return core::inspect_model_folder(folder); },
        [this](const core::ModelFolderInfo& info) { showInfo(info); });
}

void ModelStage::showInfo(const core::ModelFolderInfo& info) {
    m_shown = info;
    const QString name = toQt(info.folder.filename().string());
    m_title->setText(name);
    m_path->setText(pathText(info.folder));
    m_facts->setFacts(factsOf(info));
    clearLayout(m_checks);
    const auto add = [this](const QString& text, const char* kind) {
        auto* line = makeLabel(text, kind);
        line->setWordWrap(true);
        m_checks->addWidget(line);
    };
    if (info.config) add(tr("\u2713 config.json can be used"), "good");
    if (info.weight_bytes > 0) {
        add(tr("\u2713 weights are here, %1").arg(toQt(core::format_bytes(info.weight_bytes))),
            "good");
    }
    if (!info.tokenizer_file.empty()) {
        add(tr("\u2713 tokenizer %1").arg(toQt(info.tokenizer_file.filename().string())), "good");
    }
    if (info.config) {
        for (const std::string& note : info.config->notes) {
            add(QStringLiteral("\u26a0 ") + toQt(note), "warning");
        }
    }
    for (const std::string& problem : info.problems) {
        add(QStringLiteral("\u26a0 ") + toQt(problem), "warning");
    }
    showChoice();
}

void ModelStage::showChoice() {
    std::error_code ignored;
    const auto base = std::filesystem::weakly_canonical(baseFolder(), ignored);
    const auto shown = std::filesystem::weakly_canonical(m_shown.folder, ignored);
    const bool is_base = !m_shown.folder.empty() && base == shown;
    m_use->setEnabled(!m_shown.folder.empty() && !is_base && m_shown.config.has_value());
    m_use_note->setText(m_shown.folder.empty() ? tr("Nothing selected")
                        : is_base              ? tr("\u2713 This is the base of the recipe.")
                        : !m_shown.config      ? tr("Its config.json cannot be used.")
                                               : QString());
    for (int row = 0; row < m_list->count(); ++row) {
        QListWidgetItem* item = m_list->item(row);
        const bool is_this = toPath(item->data(kFolderRole).toString()) == base;
        QFont font = item->font();
        font.setWeight(is_this ? QFont::DemiBold : QFont::Normal);
        item->setFont(font);
        if (is_this && m_list->currentRow() < 0) {
            const QSignalBlocker quiet(m_list);
            m_list->setCurrentRow(row);
        }
    }
}

void ModelStage::checkBase() {
    if (baseFolder().empty()) {
        m_base_job.cancel();
        setStatus(StageStatus::Empty, tr("no base model chosen"));
        return;
    }
    m_base_job = startJob(
        this,
        [folder = baseFolder()](std::stop_token) { return core::inspect_model_folder(folder); },
        [this](const core::ModelFolderInfo& info) {
            const QString name = toQt(info.folder.filename().string());
            if (info.is_ready()) {
                setStatus(StageStatus::Ready, tr("%1 is ready").arg(name));
            } else {
                setStatus(StageStatus::Attention, toQt(info.problems.front()));
            }
        });
}

void ModelStage::showInInspector() {
    // The page itself shows every fact of the model; the inspector has the project's use of it.
    const core::Recipe& recipe = m_context.document.recipe();
    const auto shown = [](const std::string& value) {
        return value.empty() ? tr("none chosen") : toQt(value);
    };
    m_context.inspector.showFacts(
        tr("The recipe's base"),
        {{tr("Folder"), shown(recipe.base.path)},
         {tr("Used as"), toQt(core::setting_value(recipe, "base.dtype"))},
         {tr("Quantization"), toQt(core::setting_value(recipe, "quantization.base"))},
         {tr("Method"), toQt(core::setting_value(recipe, "adapter.method"))}});
}

}  // namespace dayrun::ui
