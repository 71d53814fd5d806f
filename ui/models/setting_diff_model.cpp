// Neighbours: core/records/compare.h, core/recipe/recipe_schema.h (labels and help).
#include "ui/models/setting_diff_model.h"

#include <QFont>
#include <algorithm>
#include <cmath>

#include "core/base/units.h"
#include "ui/bridge/run_text.h"
#include "ui/look/text.h"

namespace dayrun::ui {

void SettingDiffModel::setComparison(core::Comparison comparison,
                                     std::vector<core::SettingDiff> all) {
    beginResetModel();
    m_comparison = std::move(comparison);
    m_all = std::move(all);
    build();
    endResetModel();
}

void SettingDiffModel::setShow(Show show) {
    if (show == m_show) return;
    beginResetModel();
    m_show = show;
    build();
    endResetModel();
}

void SettingDiffModel::build() {
    m_rows.clear();
    if (m_comparison.runs.empty()) return;
    std::vector<double> best;
    std::vector<double> last;
    std::vector<double> seconds;
    std::vector<double> steps;
    for (const core::ComparedRun& run : m_comparison.runs) {
        best.push_back(run.record.best_eval_loss);
        last.push_back(run.record.last_loss);
        seconds.push_back(run.record.wall_s);
        steps.push_back(static_cast<double>(run.record.last_step));
    }
    addResult(tr("Best validation loss"), best, lossText, true);
    addResult(tr("Last training loss"), last, lossText, true);
    addResult(tr("Time"), seconds, durationText, true);
    addResult(
        tr("Steps"), steps, [](double n) { return toQt(core::format_count(std::llround(n))); },
        false);
    const auto& settings = m_show == Show::Everything ? m_all : m_comparison.settings;
    for (const core::SettingDiff& setting : settings) addSetting(setting);
}

void SettingDiffModel::addResult(const QString& name, const std::vector<double>& values,
                                 const std::function<QString(double)>& text, bool less_is_better) {
    Row row{.name = name, .values = {}, .best = -1, .differs = true, .help = {}};
    for (size_t i = 0; i < values.size(); ++i) {
        row.values << text(values[i]);
        if (!less_is_better || !std::isfinite(values[i])) continue;
        if (row.best < 0 || values[i] < values[static_cast<size_t>(row.best)]) {
            row.best = static_cast<int>(i);
        }
    }
    // Where all are equal nobody is best.
    if (row.values.count(row.values.value(0)) == row.values.size()) row.best = -1;
    m_rows.push_back(std::move(row));
}

void SettingDiffModel::addSetting(const core::SettingDiff& setting) {
    Row row{.name = toQt(setting.key), .values = {}, .best = -1, .differs = false, .help = {}};
    if (const core::SettingInfo* info = core::find_setting(setting.key)) {
        row.help = toQt(info->label) + QStringLiteral(": ") + toQt(info->help);
    }
    for (const std::string& value : setting.values) {
        row.values << (value.empty() ? tr("empty") : toQt(value));
    }
    row.differs = row.values.count(row.values.value(0)) != row.values.size();
    m_rows.push_back(std::move(row));
}

int SettingDiffModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int SettingDiffModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() || m_comparison.runs.empty()
               ? 0
               : 1 + static_cast<int>(m_comparison.runs.size());
}

QVariant SettingDiffModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const Row& row = m_rows[static_cast<size_t>(index.row())];
    const bool is_best = index.column() > 0 && row.best == index.column() - 1;
    if (role == Qt::DisplayRole || role == Qt::ToolTipRole) {
        if (index.column() == 0) {
            return role == Qt::ToolTipRole && !row.help.isEmpty() ? row.help : row.name;
        }
        const QString value = row.values.value(index.column() - 1);
        return is_best ? QStringLiteral("\u2605 ") + value : value;
    }
    if (role == Qt::FontRole &&
        (is_best || (row.differs && m_show == Show::Everything && index.column() == 0))) {
        QFont font;
        font.setWeight(QFont::DemiBold);
        return font;
    }
    return {};
}

QVariant SettingDiffModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    if (section == 0) return tr("Result or setting");
    const core::RunRecord& run = m_comparison.runs[static_cast<size_t>(section - 1)].record;
    const QString name = run.name.empty() ? toQt(run.run_id) : toQt(run.name);
    return QStringLiteral("%1 \u00b7 %2").arg(name, toQt(run.run_id).left(4));
}

}  // namespace dayrun::ui
