// What lives as long as one open project; private to main_window*.cpp. The stages are owned by the
// window's stack and deleted before this.
#pragma once

#include <array>
#include <memory>

#include "ui/bridge/run_controller.h"
#include "ui/project/project_document.h"
#include "ui/shell/main_window.h"
#include "ui/stages/compare/compare_stage.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/model/model_stage.h"
#include "ui/stages/plan/plan_stage.h"
#include "ui/stages/run/run_stage.h"
#include "ui/stages/stage_table.h"

namespace dayrun::ui {

struct MainWindow::OpenProject {
    std::unique_ptr<ProjectDocument> document;
    std::unique_ptr<RunController> runs;  // ends before the document it writes to
    DataStage* data = nullptr;
    ModelStage* model = nullptr;
    PlanStage* plan = nullptr;
    RunStage* run = nullptr;
    CompareStage* compare = nullptr;

    /// By their place in the table of stages.
    std::array<Stage*, kStages.size()> stages() const { return {data, model, plan, run, compare}; }
};

}  // namespace dayrun::ui
