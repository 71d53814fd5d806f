// Marks of a dialogue that say which of its turns to train: `weight`, `train`, `loss` and their
// like on a message, and `weight`, `loss_mask` and `mask` of the row. What is clear is followed; a
// row whose marks are not is dropped under a reason of its own. Neighbours: messages.cpp,
// sharegpt.cpp, lima.cpp. Pure functions: any thread.
#pragma once

#include <span>

#include "core/data/converters/converter.h"

namespace dayrun::core {

/// Sets mark and is_trained of `turns`, which stand for `messages` one by one, from the members of
/// each message and of the row. False, with a drop reason, where they cannot be followed.
bool mark_turns(const Value& row, const Value::Array& messages, std::span<Turn> turns,
                Converted& out);

}  // namespace dayrun::core
