// What the tests of whole runs share: every event of a run, and a project of its own with a
// FakeEngine. One thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/run/run_session.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temp_project.h"

namespace dayrun::tests {

using namespace dayrun::core;

/// Keeps every event.
class Recorder : public RunListener {
  public:
    void on_event(const RunEvent& event) override { events.push_back(event); }

    template <typename T>
    std::vector<T> all() const {
        std::vector<T> found;
        for (const RunEvent& event : events) {
            if (const T* body = std::get_if<T>(&event.body)) found.push_back(*body);
        }
        return found;
    }
    std::vector<double> losses() const {
        std::vector<double> values;
        for (const StepMetrics& step : all<StepMetrics>()) values.push_back(step.loss);
        return values;
    }
    bool has_log(std::string_view part) const {
        for (const LogLine& line : all<LogLine>()) {
            if (line.message.find(part) != std::string::npos) return true;
        }
        return false;
    }

    std::vector<RunEvent> events;
};

/// One run in a project of its own.
struct Scene {
    TempProject place;
    std::unique_ptr<Project> project = place.open().value();
    std::shared_ptr<FakeScript> script = std::make_shared<FakeScript>();
    std::shared_ptr<FakeCounts> counts = std::make_shared<FakeCounts>();
    EngineFactory factory = fake_engine_factory(script, counts);
    std::unique_ptr<RunControl> control = std::make_unique<RunControl>();
    Recorder told;

    RunOutcome run(const std::string& more = {}, const std::string& run_id = "aa11") {
        return run(place.recipe(more).value(), run_id);
    }
    RunOutcome run(const Recipe& recipe, const std::string& run_id = "aa11") {
        return go({.recipe = recipe, .run_id = run_id});
    }
    /// Goes on with an interrupted run, under a new control and telling what comes from now on.
    RunOutcome go_on(const std::string& more = {}, const std::string& run_id = "aa11") {
        control = std::make_unique<RunControl>();
        told.events.clear();
        return go({.recipe = place.recipe(more).value(), .run_id = run_id, .resumes = true});
    }
    RunOutcome go(RunOrder order) {
        order.build_id = "test";
        order.device_name = "fake";
        return RunSession(*project, factory, *control, told).run(order);
    }
    std::filesystem::path run_folder(const std::string& run_id = "aa11") const {
        return project->run_folder(run_id);
    }
    bool has_adapter(const std::string& run_id = "aa11") const {
        return std::filesystem::exists(run_folder(run_id) / "adapter/adapter_model.safetensors");
    }
};

}  // namespace dayrun::tests
