// A Python environment with transformers and PEFT, for comparisons with what people use today: made
// once in the user's cache folder, with pinned packages checked by their hashes.
#pragma once

#include <QString>

namespace dayrun::tests {

/// The folder of the peers' scripts and of their requirements, with a slash at its end.
inline const QString kPeftScripts = QStringLiteral(DAYRUN_SOURCE_DIR "/tests/scenarios/peft/");

/// The environment's python. Torch is the wheel of this build where Python can load it, else its
/// own. Empty, with the reason in `problem`, when the environment cannot be made.
QString make_peft_environment(QString& problem);

}  // namespace dayrun::tests
