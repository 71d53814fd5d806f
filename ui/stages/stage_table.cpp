// Look-ups. Neighbour: stage_table.h.
#include "ui/stages/stage_table.h"

#include <algorithm>

namespace dayrun::ui {

QString stageTitle(StageId stage) {
    return Stage::tr(kStages[stagePlace(stage)].title);
}

std::optional<StageId> stageNamed(std::string_view name) {
    const auto* const row = std::find_if(kStages.begin(), kStages.end(),
                                         [&](const StageRow& one) { return one.name == name; });
    if (row == kStages.end()) return std::nullopt;
    return row->id;
}

}  // namespace dayrun::ui
