// THE table of stages, in working order: the rail, the menu, the pages, the shortcuts and --stage
// are made from it, so a new stage is one row here and one member of OpenProject. Neighbour:
// stage.h. Read-only; ui thread.
#pragma once

#include <QString>
#include <array>
#include <optional>
#include <string_view>

#include "ui/look/icons.h"
#include "ui/stages/stage.h"

namespace dayrun::ui {

struct StageRow {
    StageId id;
    std::string_view name;  // of --stage
    const char* title;      // as shown, before translation
    Glyph glyph;
};

inline constexpr std::array kStages{
    StageRow{.id = StageId::Data, .name = "data", .title = "Data", .glyph = Glyph::Data},
    StageRow{.id = StageId::Model, .name = "model", .title = "Model", .glyph = Glyph::Model},
    StageRow{.id = StageId::Plan, .name = "plan", .title = "Plan", .glyph = Glyph::Plan},
    StageRow{.id = StageId::Run, .name = "run", .title = "Run", .glyph = Glyph::Run},
    StageRow{
        .id = StageId::Compare, .name = "compare", .title = "Compare", .glyph = Glyph::Compare},
};

/// A stage's place in the table, and so on the rail and among the pages.
constexpr size_t stagePlace(StageId stage) {
    size_t place = 0;
    while (kStages[place].id != stage) ++place;
    return place;
}

/// "Data", "Model", …
QString stageTitle(StageId stage);
std::optional<StageId> stageNamed(std::string_view name);

}  // namespace dayrun::ui
