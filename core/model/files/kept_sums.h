// The sums of one weight file in the user's cache: <cache>/dayrun/bases/<device and inode>.json,
// with the stamp that they hold for. A damaged or foreign file there is as good as none.
// Neighbour: core/model/tensor_sums.h. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/base/file_stamp.h"

namespace dayrun::core {

/// 16 hex digits by tensor.
using SumsByTensor = std::map<std::string, std::string>;

/// What was kept for a file in exactly this state.
std::optional<SumsByTensor> kept_sums(const FileStamp& stamp);
/// Where the user has no cache, or it cannot be written, they are taken anew next time.
void keep_sums(const FileStamp& stamp, const SumsByTensor& sums);

}  // namespace dayrun::core
