// Where a recipe's paths lead. Neighbour: recipe.h.
#include "core/recipe/recipe.h"

namespace dayrun::core {

std::filesystem::path Recipe::resolved(const std::string& path) const {
    std::filesystem::path given(path);
    if (given.empty() || given.is_absolute()) return given;
    return (folder / given).lexically_normal();
}

}  // namespace dayrun::core
