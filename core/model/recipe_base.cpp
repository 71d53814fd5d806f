// Body of recipe_base.h.
#include "core/model/recipe_base.h"

#include "core/recipe/recipe.h"

namespace dayrun::core {

Result<ModelConfig> read_base_config(const Recipe& recipe) {
    return read_model_config(recipe.resolved(recipe.base.path),
                             recipe.base.random_init ? WeightSource::Drawn : WeightSource::Folder);
}

}  // namespace dayrun::core
