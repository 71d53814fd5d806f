// Runs the finished program as a person or a script would. One thread.
#pragma once

#include "tests/support/run_program.h"

namespace dayrun::tests {

inline ProgramResult run_dayrun(const QStringList& arguments) {
    return run_program(QStringLiteral(DAYRUN_PROGRAM), arguments);
}

/// The base model that the project ships.
inline QString sample_base() {
    return QStringLiteral(DAYRUN_SOURCE_DIR "/resources/sample_project/base");
}

}  // namespace dayrun::tests
