// The NF4 weights of a base, quantized once and kept: beside the model in .dayrun-cache/, or in the
// user's cache where that folder is read-only. A small JSON file beside them says which weights
// they are (a checksum), and the sizes and times of the files these came from, so that a start
// reads nothing of the base; when those differ, the weights are summed again. What does not match
// its own checksum is made again. Neighbours: nf4_writer.h, core/engine/model. Any thread; blocks
// it.
#pragma once

#include <filesystem>
#include <memory>

#include "core/base/result.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"
#include "core/quantize/nf4_tensors.h"

namespace dayrun::core {

enum class Nf4CacheUse { Found, Made, MadeAgain };

struct Nf4Cache {
    std::unique_ptr<SafetensorsFile> file;  // the linear modules' weights (nf4_tensors.h)
    std::filesystem::path path;
    Nf4CacheUse use = Nf4CacheUse::Found;  // MadeAgain: what was there was damaged or outdated
};

/// Opens the cache of the base in `folder`, or makes it.
Result<Nf4Cache> open_nf4_cache(const std::filesystem::path& folder, const CheckpointFiles& files,
                                const WeightMap& map, const Nf4Options& options);

}  // namespace dayrun::core
