// The order of rooms inside core and inside ui: a room includes only what stands before it, so no
// two rooms include each other. Neighbours: include_rules.h has the floors app -> ui -> core ->
// kernels; test_room_order holds both lists against the tree.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace dayrun::tests {

/// The rooms of "core" or "ui", first to last.
const std::vector<std::string>& room_order(const std::string& floor);

/// The room of a file below core/ or ui/: "model" of "core/model/files/mapped_file.h",
/// "engine/cuda" of "core/engine/cuda/cuda_arena.h"; empty on other floors and for files in no
/// room.
std::string room_of(const std::string& path);

/// Why the file `path` must not include `included`, both from the project's root; empty when it
/// may.
std::string against_order(const std::string& path, const std::string& included);

}  // namespace dayrun::tests
