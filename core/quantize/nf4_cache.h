// The NF4 weights of a base, quantized once and kept: beside the model in .dayrun-cache/, or in the
// user's cache where that folder is read-only. A small JSON file beside them carries the figure of
// the weights they were made from; where that of the base is another, they are made again, and so
// they are where they do not match their own checksum. The base's sums are mostly known
// (tensor_sums.h), so that a start reads nothing of it. Neighbours: nf4_writer.h,
// core/engine/model. Any thread; blocks it.
#pragma once

#include <filesystem>
#include <memory>

#include "core/base/result.h"
#include "core/model/safetensors.h"
#include "core/model/tensor_sums.h"
#include "core/model/weight_map.h"
#include "core/quantize/nf4_tensors.h"

namespace dayrun::core {

enum class Nf4CacheUse { Found, Made, MadeAgain };

struct Nf4Cache {
    std::unique_ptr<SafetensorsFile> file;  // the linear modules' weights (nf4_tensors.h)
    std::filesystem::path path;
    Nf4CacheUse use = Nf4CacheUse::Found;  // MadeAgain: what was there was damaged or outdated
};

/// Opens the cache of the base in `folder`, or makes it. `sums` are those of `files`; it learns the
/// linear weights'.
Result<Nf4Cache> open_nf4_cache(const std::filesystem::path& folder, const CheckpointFiles& files,
                                const WeightMap& map, const Nf4Options& options, TensorSums& sums);

}  // namespace dayrun::core
