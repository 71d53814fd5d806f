// The JSON header of a safetensors file, checked by every rule of the format before a byte of data
// is touched. Neighbour: safetensors.cpp maps the file. Plain values: any thread; fuzzed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/safetensors.h"

namespace dayrun::core {

struct SafetensorsHeader {
    std::vector<TensorView> tensors;  // by rising offset; bytes point into the file
    std::map<std::string, std::string> metadata;
};

/// Reads the header at the start of a whole file's bytes. FileDamaged says which rule is broken.
Result<SafetensorsHeader> read_safetensors_header(std::span<const std::byte> file,
                                                  const std::filesystem::path& path);

}  // namespace dayrun::core
