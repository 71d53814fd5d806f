// What the window's tests share: a project with a tiny base and rows of token ids, an engine that
// only pretends, and waiting that keeps the event loop turning and measures when it did not.
#pragma once

#include <QElapsedTimer>
#include <QTest>
#include <QTimer>
#include <filesystem>
#include <functional>

#include "core/engine/engine.h"
#include "tests/support/temp_folder.h"
#include "ui/shell/main_window.h"
#include "ui/shell/workbench.h"

namespace dayrun::tests {

/// Writes base/ (config.json and weights of zeros), rows.jsonl and recipes/test.yaml, and the
/// project around them. `epochs` makes a run long or short.
void makeProject(const std::filesystem::path& folder, int epochs = 400);

/// The same with the sample's base and two sources of text: b.jsonl repeats the first row of
/// a.jsonl twice (once with another reply), and the last row of a.jsonl has words of eval.csv's
/// second row.
void makeTextProject(const std::filesystem::path& folder);
inline constexpr auto kEvaluationText =
    "the old ferry crosses the cold grey river twice on every morning of the long dark winter";

/// The FakeEngine whose micro-batches take `step_ms`.
core::EngineFactory fakeEngine(int step_ms = 2);

ui::WorkbenchOptions optionsWith(core::EngineFactory engine);

/// Turns the event loop until `condition` holds; false after `timeout_ms`.
bool waitFor(const std::function<bool()>& condition, int timeout_ms = 20'000);

/// Waits until the Data stage shows what the draft gives.
bool waitUntilPrepared(ui::MainWindow& window);

/// Measures the longest time that the event loop did not turn, less the time in which the thread
/// was ready and other processes had the processor (a busy machine is not a blocked window).
class LoopWatch : public QObject {
  public:
    LoopWatch();
    qint64 longestGapMs() const { return m_longest; }
    /// Waits until the loop has come round once more, so that a block shows in the figures.
    void turn();
    /// Prints and forgets the longest gap since the last call.
    void note(const char* what);

  private:
    QTimer m_timer;
    static qint64 queuedMs();

    QElapsedTimer m_since;
    qint64 m_queued = 0;
    qint64 m_longest = 0;
    qint64 m_recent = 0;
};

}  // namespace dayrun::tests
