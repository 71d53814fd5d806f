// Neighbours: core/compile/cache compiles, stages/data shows. The progress crosses threads by a
// lock that nobody holds longer than a copy.
#include "ui/project/prepared_data.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>

#include "core/compile/cache/data_compiler.h"
#include "core/recipe/recipe_schema.h"
#include "ui/look/text.h"
#include "ui/project/project_document.h"

namespace dayrun::ui {
namespace {

// Typing or dragging does not start the compiler at every step.
constexpr int kSettleMs = 300;
constexpr int kProgressMs = 150;
constexpr int kHealthMs = 1000;

bool startsWith(const std::string& key, std::span<const std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view beginning) {
        return std::string_view(key).starts_with(beginning);
    });
}

// A setting that only decides how often rows are used: a view over the caches (promises.md 9).
bool isOfMix(const std::string& key) {
    constexpr std::array<std::string_view, 5> kKeys{"mix.by", "mix.rows", "mix.fraction",
                                                    "mix.max_repeats", "mix.shuffle"};
    const std::string_view name(key);
    return name.ends_with("].weight") || name.ends_with("].copies") ||
           std::find(kKeys.begin(), kKeys.end(), name) != kKeys.end();
}

bool areEqual(const core::Recipe& a, const core::Recipe& b, bool with_mix) {
    constexpr std::array<std::string_view, 8> kData{"data[",  "sources.", "mix.",    "overlap.",
                                                    "split.", "prompt.",  "tokens.", "base.path"};
    if (a.data.size() != b.data.size() || a.folder != b.folder || a.seed != b.seed) return false;
    if (with_mix && (a.batch.epochs != b.batch.epochs ||
                     a.batch.micro_batch_size != b.batch.micro_batch_size)) {
        return false;
    }
    for (const std::string& key : core::setting_keys(a)) {
        if (!startsWith(key, kData) || (!with_mix && isOfMix(key))) continue;
        if (core::setting_value(a, key) != core::setting_value(b, key)) return false;
    }
    return true;
}

core::Result<std::shared_ptr<const core::Tokenizer>> tokenizerOf(const core::Recipe& recipe) {
    const bool needs_none =
        std::all_of(recipe.data.begin(), recipe.data.end(),
                    [](const core::DataSpec& spec) { return spec.converter == "token_ids"; });
    if (needs_none) return std::shared_ptr<const core::Tokenizer>();
    if (recipe.base.path.empty()) {
        return core::Error{.code = core::ErrorCode::BadTokenizer,
                           .message = "Tokens need a tokenizer, and no base model is chosen.",
                           .hint = "Choose one on stage Model."};
    }
    TRY(tokenizer, core::open_tokenizer(recipe.resolved(recipe.base.path)));
    return std::shared_ptr<const core::Tokenizer>(std::move(tokenizer));
}

}  // namespace

struct PreparedData::Progress {
    std::mutex mutex;
    core::CompileProgress last;
};

bool haveSameRows(const core::Recipe& a, const core::Recipe& b) {
    return areEqual(a, b, false);
}
bool haveSameEpochs(const core::Recipe& a, const core::Recipe& b) {
    return areEqual(a, b, true);
}

PreparedData::PreparedData(ProjectDocument& document, QObject* parent)
    : QObject(parent), m_document(document) {
    m_soon.setSingleShot(true);
    m_soon.setInterval(kSettleMs);
    m_watch.setInterval(kProgressMs);
    connect(&m_soon, &QTimer::timeout, this, &PreparedData::start);
    connect(&m_watch, &QTimer::timeout, this, &PreparedData::changed);
    m_health.setInterval(kHealthMs);
    connect(&m_health, &QTimer::timeout, this, &PreparedData::mend);
    m_health.start();
    connect(&document, &ProjectDocument::recipeChanged, this, &PreparedData::follow);
}

void PreparedData::setWanted(bool wanted) {
    m_is_wanted = wanted;
    follow();
}

void PreparedData::prepareAgain() {
    m_has_asked = false;
    follow();
}

// Whoever reads a damaged row shows that; the answer is made anew from a cache that is whole.
void PreparedData::mend() {
    if (m_is_busy || !m_prepared || m_prepared == m_mended) return;
    if (!m_prepared->data->has_damaged_cache()) return;
    m_mended = m_prepared;
    prepareAgain();
}

void PreparedData::follow() {
    if (!m_is_wanted) return;
    if (m_has_asked && haveSameEpochs(m_asked, m_document.recipe())) return;
    m_soon.start();
}

void PreparedData::start() {
    m_asked = m_document.recipe();
    m_has_asked = true;
    if (m_asked.data.empty()) {
        m_job.cancel();
        m_prepared.reset();
        m_is_busy = false;
        m_watch.stop();
        Q_EMIT changed();
        return;
    }
    m_is_busy = true;
    m_progress = std::make_shared<Progress>();
    m_watch.start();
    m_job = startJob(
        this, Lane::Compile,
        [recipe = m_asked, cache = m_document.project().cache_folder(),
         progress = m_progress](std::stop_token stop) -> core::Result<Prepared> {
            TRY(tokenizer, tokenizerOf(recipe));
            const auto listener = [&progress](const core::CompileProgress& step) {
                const std::lock_guard lock(progress->mutex);
                progress->last = step;
            };
            TRY(data, core::compile_data(recipe, tokenizer.get(), cache, listener, stop));
            return Prepared{recipe, std::move(data), std::move(tokenizer)};
        },
        [this](core::Result<Prepared> made) {
            m_is_busy = false;
            m_watch.stop();
            m_problem = made.ok() ? QString() : toQt(made.error());
            if (made.ok()) m_prepared = std::make_shared<Prepared>(std::move(made).value());
            Q_EMIT changed();
        });
    Q_EMIT changed();
}

bool PreparedData::isCurrent() const {
    return m_prepared && haveSameRows(m_prepared->recipe, m_document.recipe());
}

bool PreparedData::isExact() const {
    return m_prepared && haveSameEpochs(m_prepared->recipe, m_document.recipe());
}

QString PreparedData::stateText() const {
    if (!m_is_busy && !m_problem.isEmpty()) return QStringLiteral("\u26a0 ") + m_problem;
    if (!m_prepared) return tr("Reading the data (%1)…").arg(progressText());
    if (m_is_busy || !isCurrent()) return tr("Reading the data again…");
    QStringList rebuilt;
    for (const std::string& cache : m_prepared->data->rebuilt_caches) {
        rebuilt << QStringLiteral("\u26a0 ") + toQt(cache);
    }
    return rebuilt.join(QLatin1Char('\n'));
}

QString PreparedData::progressText() const {
    if (!m_is_busy || !m_progress) return {};
    const std::lock_guard lock(m_progress->mutex);
    const core::CompileProgress& last = m_progress->last;
    if (last.step.empty()) return tr("waiting");
    QString text = tr("%1 %2").arg(toQt(last.step), toQt(last.source));
    if (last.total > 0) text += tr(", %1 %").arg(100 * last.done / last.total);
    return text;
}

}  // namespace dayrun::ui
