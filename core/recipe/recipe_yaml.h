// YAML <-> Recipe. Unknown keys, wrong types and values out of range are refused with file, line,
// column, the nearest valid key and the allowed range; a key whose feature does not exist yet is
// refused too, never ignored. The only file that sees yaml-cpp. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

/// Settings to override, as written in a queue's `set:`: ("adapter.lora_rank", "8").
using RecipeOverrides = std::vector<std::pair<std::string, std::string>>;

/// Reads and checks a recipe file; relative paths in it start from the file's folder.
Result<Recipe> read_recipe(const std::filesystem::path& path, const RecipeOverrides& set = {});

/// The same from a text; `file_name` is what errors name, `folder` where relative paths start.
Result<Recipe> parse_recipe(std::string_view yaml, const std::string& file_name,
                            const std::filesystem::path& folder, const RecipeOverrides& set = {});

/// The complete recipe as YAML: every key with its value, in the order of contracts.md, such that
/// parse_recipe gives the same Recipe. `only_changed` leaves out what equals its default.
enum class Keys { All, OnlyChanged };
std::string write_recipe(const Recipe& recipe, Keys keys = Keys::OnlyChanged);

}  // namespace dayrun::core
