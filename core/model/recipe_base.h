// The base model that a recipe names. Neighbours: model_config.h, core/recipe. Any thread.
#pragma once

#include "core/base/result.h"
#include "core/model/model_config.h"

namespace dayrun::core {

struct Recipe;

/// The config.json of base.path; with base.random_init the weights beside it say nothing, they are
/// not the ones used. Errors as read_model_config's.
Result<ModelConfig> read_base_config(const Recipe& recipe);

}  // namespace dayrun::core
