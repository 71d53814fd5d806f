// The rope part of config.json, in the layouts of transformers 4 (rope_theta, rope_scaling) and 5
// (rope_parameters). Neighbour: model_config.cpp. Any thread.
#pragma once

#include "core/model/config/config_fields.h"
#include "core/model/model_config.h"

namespace dayrun::core {

/// Fills rope_theta, rotary_dim and rope_scaling; head_dim and max_position_embeddings must stand.
/// Errors go to `fields`; an unknown kind is refused by name.
void read_rope(ConfigFields& fields, ModelConfig& config);

}  // namespace dayrun::core
