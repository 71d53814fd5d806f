// Opening, changing and saving the draft. Neighbour: commands.cpp holds the verbs.
#include "ui/project/project_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/base/units.h"
#include "core/recipe/recipe_schema.h"
#include "core/recipe/recipe_yaml.h"
#include "ui/look/text.h"
#include "ui/project/commands.h"

namespace dayrun::ui {
namespace {

namespace fs = std::filesystem;

// A recipe stays a page that a person can read; what takes more is the job of a filter.
constexpr size_t kMostDroppedRows = 20'000;

// A name for a new source that no other source has: "train", "train_2".
std::string uniqueName(const fs::path& path, const std::set<std::string>& taken) {
    std::string stem =
        path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
    stem = stem.substr(0, stem.find('.'));
    if (stem.empty()) stem = "source";
    std::string name = stem;
    for (int i = 2; taken.contains(name); ++i) name = stem + "_" + std::to_string(i);
    return name;
}

// Inside the project (or beside it) a relative path survives a move of the folder.
std::string portablePath(const fs::path& path, const fs::path& folder, const fs::path& project) {
    std::error_code ignored;
    const fs::path full = fs::weakly_canonical(path, ignored);
    const fs::path home = fs::weakly_canonical(project, ignored);
    const auto inside = full.lexically_relative(home);
    if (inside.empty() || *inside.begin() == "..") return full.string();
    return full.lexically_relative(fs::weakly_canonical(folder, ignored)).string();
}

}  // namespace

ProjectDocument::ProjectDocument(std::unique_ptr<core::Project> project)
    : m_project(std::move(project)) {
    m_undo.setUndoLimit(500);
}

ProjectDocument::~ProjectDocument() = default;

core::Result<std::unique_ptr<ProjectDocument>> ProjectDocument::open(const fs::path& folder,
                                                                     OpenAs open_as) {
    auto opened = open_as == OpenAs::Existing ? core::Project::open(folder)
                                              : core::Project::open_or_create(folder);
    if (!opened.ok()) return std::move(opened).error();
    std::unique_ptr<ProjectDocument> document(new ProjectDocument(std::move(opened).value()));
    const auto files = document->recipeFiles();
    if (!files.empty()) {
        if (auto loaded = document->loadRecipe(files.front()); !loaded.ok()) {
            document->m_problem = toQt(loaded.error());
        }
    }
    if (document->m_file.empty()) {
        document->m_recipe.folder = document->m_project->recipes_folder();
        document->m_recipe.name = document->m_project->folder().filename().string();
        document->m_file = document->m_recipe.folder / "draft.yaml";
    }
    return document;
}

QString ProjectDocument::title() const {
    return toQt(m_project->folder().filename().string());
}

std::vector<fs::path> ProjectDocument::recipeFiles() const {
    std::vector<std::pair<fs::file_time_type, fs::path>> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(m_project->recipes_folder(), error)) {
        const fs::path extension = entry.path().extension();
        if (extension == ".yaml" || extension == ".yml") {
            found.emplace_back(entry.last_write_time(error), entry.path());
        }
    }
    // Files of one instant (a fresh sample project) come in the order of their names.
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    std::vector<fs::path> files;
    files.reserve(found.size());
    for (auto& [time, path] : found) files.push_back(std::move(path));
    return files;
}

core::Result<void> ProjectDocument::setSetting(const QString& key, const QString& value) {
    core::Recipe changed = m_recipe;
    TRY_VOID(core::set_setting(changed, toStd(key), toStd(value)));
    const std::string name = toStd(key);
    if (core::setting_value(changed, name) == core::setting_value(m_recipe, name)) return {};
    m_undo.push(new SetSettingCommand(*this, key, std::move(changed)));
    return {};
}

QString ProjectDocument::portable(const fs::path& path) const {
    return toQt(portablePath(path, m_recipe.folder, m_project->folder()));
}

core::Result<void> ProjectDocument::setSettings(
    const QString& text, const std::vector<std::pair<QString, QString>>& values) {
    core::Recipe changed = m_recipe;
    bool is_changed = false;
    for (const auto& [key, value] : values) {
        TRY_VOID(core::set_setting(changed, toStd(key), toStd(value)));
        is_changed = is_changed || core::setting_value(changed, toStd(key)) !=
                                       core::setting_value(m_recipe, toStd(key));
    }
    if (is_changed) m_undo.push(new ApplyRecipeCommand(*this, text, std::move(changed)));
    return {};
}

core::DataSpec ProjectDocument::draftSource(const fs::path& path,
                                            const std::vector<core::DataSpec>& taken) const {
    std::set<std::string> names;
    for (const core::DataSpec& spec : m_recipe.data) names.insert(spec.name);
    for (const core::DataSpec& spec : taken) names.insert(spec.name);
    core::DataSpec spec;
    spec.name = uniqueName(path, names);
    spec.path = portablePath(path, m_recipe.data_folder(), m_project->folder());
    return spec;
}

void ProjectDocument::addSources(const std::vector<core::DataSpec>& sources) {
    if (sources.empty()) return;
    core::Recipe changed = m_recipe;
    changed.data.insert(changed.data.end(), sources.begin(), sources.end());
    QString name = toQt(sources.front().name);
    if (sources.size() > 1) name = tr("%1 and %2 more").arg(name).arg(sources.size() - 1);
    m_undo.push(new AddSourceCommand(*this, name, std::move(changed)));
}

void ProjectDocument::changeSource(size_t index, const core::DataSpec& source) {
    if (index >= m_recipe.data.size()) return;
    core::Recipe changed = m_recipe;
    changed.data[index] = source;
    m_undo.push(new ApplyRecipeCommand(*this, tr("Read %1 another way").arg(toQt(source.name)),
                                       std::move(changed)));
}

void ProjectDocument::removeSource(size_t index) {
    if (index >= m_recipe.data.size()) return;
    core::Recipe changed = m_recipe;
    const QString name = toQt(changed.data[index].name);
    changed.data.erase(changed.data.begin() + static_cast<std::ptrdiff_t>(index));
    m_undo.push(new RemoveSourceCommand(*this, name, std::move(changed)));
}

core::Result<void> ProjectDocument::dropRows(const std::vector<std::pair<size_t, int64_t>>& rows) {
    core::Recipe changed = m_recipe;
    const auto count_numbers = [](const core::Recipe& recipe) {
        size_t count = 0;
        for (const core::DataSpec& spec : recipe.data) count += spec.drop_rows.size();
        return count;
    };
    for (const auto& [source, row] : rows) {
        if (source < changed.data.size()) changed.data[source].drop_rows.push_back(row);
    }
    for (core::DataSpec& spec : changed.data) {
        std::vector<int64_t>& numbers = spec.drop_rows;
        std::sort(numbers.begin(), numbers.end());
        numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    }
    const size_t count = count_numbers(changed);
    const size_t dropped = count - count_numbers(m_recipe);
    if (dropped == 0) return {};
    if (count > kMostDroppedRows) {
        return core::Error{
            .code = core::ErrorCode::BadRecipe,
            .message = fmt::format("{} rows are too many to name one by one (at most {}).",
                                   core::format_count(static_cast<int64_t>(count)),
                                   core::format_count(int64_t{kMostDroppedRows})),
            .hint = "Let mix.dedupe, overlap.remove or a filter leave them out."};
    }
    const auto& [source, row] = rows.front();
    const QString what = dropped == 1
                             ? tr("%1 row %2").arg(toQt(changed.data[source].name)).arg(row)
                             : tr("%1 rows").arg(dropped);
    m_undo.push(new ApplyRecipeCommand(*this, tr("Leave out %1").arg(what), std::move(changed)));
    return {};
}

void ProjectDocument::bringBack(size_t source, int64_t row) {
    if (source >= m_recipe.data.size()) return;
    core::Recipe changed = m_recipe;
    std::vector<int64_t>& numbers = changed.data[source].drop_rows;
    if (std::erase_if(numbers, [row](int64_t one) { return row == 0 || one == row; }) == 0) return;
    const QString name = toQt(changed.data[source].name);
    const QString what =
        row == 0 ? tr("all rows of %1").arg(name) : tr("%1 row %2").arg(name).arg(row);
    m_undo.push(new ApplyRecipeCommand(*this, tr("Bring back %1").arg(what), std::move(changed)));
}

void ProjectDocument::setEvaluationFiles(const QString& text,
                                         const std::vector<std::string>& files) {
    if (files == m_recipe.overlap.files) return;
    core::Recipe changed = m_recipe;
    changed.overlap.files = files;
    m_undo.push(new ApplyRecipeCommand(*this, text, std::move(changed)));
}

void ProjectDocument::applyRecipe(const core::Recipe& recipe, const QString& from) {
    core::Recipe changed = recipe;
    changed.folder = m_recipe.folder;
    m_undo.push(
        new ApplyRecipeCommand(*this, tr("Use the settings of %1").arg(from), std::move(changed)));
}

core::Result<void> ProjectDocument::save() {
    TRY_VOID(checkFileIsOurs(core::write_recipe(m_recipe)));
    return saveAs(m_file);
}

// The bytes are compared and not the time, which an editor, a copy or a clock may leave as it was.
core::Result<void> ProjectDocument::checkFileIsOurs(const std::string& text) const {
    std::error_code ignored;
    const bool is_there = fs::exists(fs::symlink_status(m_file, ignored));
    if (!is_there && m_file_sha256.empty()) return {};
    if (!is_there) {
        return core::Error{
            .code = core::ErrorCode::FileMissing,
            .message = fmt::format("'{}' is gone since it was read, so nothing was saved.",
                                   m_file.string()),
            .hint = "\"Save recipe as\u2026\" writes it anew, there or elsewhere."};
    }
    TRY(found, core::read_file(m_file));
    if (found == text || core::sha256_hex(found) == m_file_sha256) return {};
    return core::Error{
        .code = core::ErrorCode::BadRecipe,
        .message =
            m_file_sha256.empty()
                ? fmt::format("'{}' is there already and was not overwritten.", m_file.string())
                : fmt::format("'{}' was changed by another program since it was read, and "
                              "was not overwritten.",
                              m_file.string()),
        .hint =
            "\"Save recipe as\u2026\" keeps your changes in another file; \"Open recipe\u2026\" "
            "shows what is in this one."};
}

core::Result<void> ProjectDocument::saveAs(const fs::path& file) {
    const std::string text = core::write_recipe(m_recipe);
    // A link stays one: what it leads to is written.
    std::error_code ignored;
    const bool is_link = fs::is_symlink(fs::symlink_status(file, ignored));
    TRY_VOID(core::write_file(is_link ? fs::weakly_canonical(file, ignored) : file, text));
    m_file_sha256 = core::sha256_hex(text);
    m_file = file;
    m_undo.setClean();
    Q_EMIT recipeFileChanged();
    return {};
}

core::Result<void> ProjectDocument::loadRecipe(const fs::path& file) {
    // Read once, so that what is shown and what saving compares with are the same bytes.
    TRY(text, core::read_file(file));
    std::error_code ignored;
    const fs::path folder = fs::absolute(file, ignored).parent_path();
    TRY(recipe, core::parse_recipe(text, file.string(), folder));
    m_file_sha256 = core::sha256_hex(text);
    m_undo.clear();
    m_problem.clear();
    m_file = file;
    replaceRecipe(recipe);
    Q_EMIT recipeFileChanged();
    return {};
}

void ProjectDocument::replaceRecipe(const core::Recipe& recipe) {
    m_recipe = recipe;
    Q_EMIT recipeChanged();
}

}  // namespace dayrun::ui
