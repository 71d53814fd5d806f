// Where in the window the offenders of a pre-flight check can be looked at. Plain functions: any
// thread.
#pragma once

#include <QString>

namespace dayrun::ui {

/// A place of stage Data; None for checks of the plan alone.
enum class CheckPlace { None, Rows, LeftOut, Overlap, StopNotTrained, CutOff, NotOneBos };

CheckPlace placeOfCheck(const QString& check);
inline bool isShownByData(const QString& check) {
    return placeOfCheck(check) != CheckPlace::None;
}

}  // namespace dayrun::ui
