// Words and figures of a run, said the same way in the strip, the Run stage and the tables.
// Plain functions: any thread.
#pragma once

#include <QString>

#include "core/events/run_control.h"
#include "core/events/run_event.h"

namespace dayrun::ui {

struct RunView;

/// "Training", "Stopped", … and with a request under way "Finishing: validates and saves".
QString stateText(core::RunState state, core::RunRequest pending = core::RunRequest::None);
/// Whether the state is one that lasts (Finished, Stopped, Failed, Parked).
bool isOver(core::RunState state);
/// A sign before the word, so that states differ without colour.
QString stateSign(core::RunState state);

QString lossText(double loss);                // "1.2345", "–" when unknown
QString rateText(double learning_rate);       // "2.0e-04"
QString speedText(double tokens_per_second);  // "1,510 tok/s"
/// "0:07", "12:40", "1:02:03": the same form from the first second on, so that it does not jump.
QString durationText(double seconds);
/// Seconds since the start: of a running run by the clock, of a recorded one by its last step.
double elapsedSeconds(const RunView& run, bool is_running);
/// "finishes 06:12" with the band of the last steps, or why it is not known yet.
QString finishText(const RunView& run, bool is_running);

}  // namespace dayrun::ui
