// THE WALK: one training run as a list of verbs. Lives on the run thread. Neighbour: active_run.cpp
// is what each verb does.
#include "core/run/run_session.h"

#include <fmt/format.h>

#include <exception>
#include <new>
#include <random>

#include "core/base/check.h"
#include "core/compile/cache/damaged_caches.h"
#include "core/run/active_run.h"

namespace dayrun::core {

namespace {

Result<void> get_ready(ActiveRun& run) {
    TRY_VOID(run.compile());
    TRY_VOID(run.check());
    TRY_VOID(run.prepare());
    TRY_VOID(run.rehearse());
    return run.examine_start();
}

Result<RunState> walk(ActiveRun& run, size_t sources) {
    TRY_VOID(run.begin());
    TRY_VOID(over_damaged_caches(sources, [&](bool& is_damaged) {
        Result<void> ready = get_ready(run);
        is_damaged = run.has_damaged_cache();
        return ready;
    }));
    TRY(end, run.train());
    TRY_VOID(run.save(end));
    TRY_VOID(run.examine_result(end));
    return run.finish(end);
}

// What a library throws must not end a window full of work.
template <typename Body>
Result<RunState> guarded(const Body& body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return Error{.code = ErrorCode::OutOfHostMemory,
                     .message = "The computer's memory is not enough for this run.",
                     .hint = "Lower tokens.max_seq_len or batch.micro_batch_size."};
    } catch (const std::exception& failure) {
        return Error{
            .code = ErrorCode::Internal,
            .message = fmt::format("A fault in Dayrun ended the run ({}).", failure.what()),
            .hint = "Please report it with the run's log."};
    }
}

}  // namespace

Recipe frozen_recipe(const Recipe& recipe, const std::string& run_id) {
    Recipe copy = recipe;
    if (copy.name.empty()) copy.name = run_id;
    const auto resolve = [&](std::string& path) {
        if (!path.empty()) path = recipe.resolved(path).lexically_normal().string();
    };
    resolve(copy.base.path);
    resolve(copy.adapter.init_from);
    for (DataSpec& source : copy.data) resolve(source.path);
    for (std::string& file : copy.overlap.files) resolve(file);
    return copy;
}

std::string new_run_id() {
    std::random_device device;
    return fmt::format("{:08x}", device());
}

RunSession::RunSession(Project& project, const EngineFactory& make_engine, RunControl& control,
                       RunListener& listener)
    : m_project(project), m_make_engine(make_engine), m_control(control), m_listener(listener) {}

RunOutcome RunSession::run(const RunOrder& order) {
    RunOrder complete = order;
    if (complete.run_id.empty()) complete.run_id = new_run_id();
    ActiveRun run(m_project, m_make_engine, m_control, m_listener, complete);
    Result<RunState> ended = guarded([&] { return walk(run, order.recipe.data.size()); });
    if (!ended.ok()) {
        // Telling the failure saves what can be saved, which may fail in its turn.
        ended = guarded([&]() -> Result<RunState> { return run.fail(ended.error()); });
    }
    const RunState state = ended.value_or(RunState::Failed);
    // Its failure was told by the walk's own flush, or leaves the records as they were before.
    [[maybe_unused]] const Result<void> flushed = m_project.store().flush();
    return run.outcome(state);
}

}  // namespace dayrun::core
