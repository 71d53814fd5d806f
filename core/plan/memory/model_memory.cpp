// Counting tensors. Neighbour: model_memory.h.
#include "core/plan/memory/model_memory.h"

#include <algorithm>
#include <set>

#include "core/model/adapter_files.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"

namespace dayrun::core {

namespace {

// bitsandbytes' sizes of blocks and of the smallest tensor with 8-bit states.
constexpr int64_t kStateBlock = 256, kSmallestState = 4096, kNestedBlock = 256;

// What the engine finds for base.dtype auto: the stored embedding's type, where there is one.
bool is_stored_as_bfloat16(const ModelConfig& config, const Recipe& recipe, const WeightMap& map) {
    if (!recipe.base.random_init && !recipe.base.path.empty()) {
        const auto files = CheckpointFiles::open(recipe.resolved(recipe.base.path));
        const TensorView* const embedding = files.ok() ? files->find(map.embed_tokens) : nullptr;
        if (embedding != nullptr) return embedding->dtype == TensorDtype::BFloat16;
    }
    return config.torch_dtype == "bfloat16";
}

int64_t value_bytes_of(const ModelConfig& config, const Recipe& recipe, const WeightMap& map,
                       bool is_device) {
    switch (recipe.base.dtype) {
        case DtypeChoice::Float32:
            return 4;
        case DtypeChoice::BFloat16:
            return 2;
        case DtypeChoice::Auto:
            break;
    }
    return is_device || is_stored_as_bfloat16(config, recipe, map) ? 2 : 4;
}

int64_t count_of(const std::vector<int64_t>& shape) {
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    return count;
}

int64_t blocks_of(int64_t count, int64_t block) {
    return (count + block - 1) / block;
}

/// Adds up what is trained, block by block: parameters of a block lie end to end.
class Trained {
  public:
    Trained(const Recipe& recipe, ModelMemory& memory) : m_recipe(recipe), m_memory(memory) {}

    void add_block(const std::vector<int64_t>& counts) {
        int64_t total = 0;
        for (const int64_t count : counts) {
            total += count;
            if (m_recipe.optimizer.name == OptimizerName::AdamW8bit) add_8bit_states(count);
        }
        if (total == 0) return;
        m_memory.trained_count += total;
        m_memory.adapter_bytes += block_bytes(4 * total);
        const bool is_copied = m_memory.value_bytes == 2;
        if (is_copied) m_memory.adapter_bytes += block_bytes(2 * total);
        if (m_recipe.adapter.dtype == DtypeChoice::BFloat16 && !m_memory.is_full) {
            // Rounded values in float32 where something reads such, and those on their way there.
            if (!is_copied || m_memory.is_dora) m_memory.adapter_bytes += block_bytes(4 * total);
            if (!is_copied) m_memory.adapter_bytes += block_bytes(2 * total);
        }
        m_memory.gradient_bytes += block_bytes(4 * total);
    }

    void finish() {
        if (m_recipe.optimizer.name == OptimizerName::AdamW8bit) return;
        m_memory.state_bytes = 2 * block_bytes(4 * m_memory.trained_count);
    }

  private:
    void add_8bit_states(int64_t count) {
        const bool is_small = count < kSmallestState;
        m_memory.state_bytes +=
            is_small ? 2 * block_bytes(4 * count)
                     : 2 * block_bytes(count) + 2 * block_bytes(4 * blocks_of(count, kStateBlock));
    }

    const Recipe& m_recipe;
    ModelMemory& m_memory;
};

/// Ranks by module: the recipe's, or those of the adapter it starts from.
struct Targets {
    std::vector<const LinearInfo*> modules;
    AdapterConfig config;
    bool contains(const LinearInfo& linear) const {
        return std::any_of(modules.begin(), modules.end(), [&](const LinearInfo* module) {
            return module->module == linear.module;
        });
    }
};

Result<Targets> targets_of(const Recipe& recipe, const WeightMap& map) {
    Targets targets;
    if (!recipe.adapter.init_from.empty()) {
        TRY(files, AdapterFiles::open(recipe.resolved(recipe.adapter.init_from), map));
        targets.config = files.config();
        for (const AdapterModule& module : files.modules()) {
            targets.modules.push_back(module.linear);
        }
        return targets;
    }
    targets.config.rank = recipe.adapter.lora_rank;
    targets.config.use_dora = recipe.adapter.method == AdapterMethod::Dora;
    TRY(matched, match_target_modules(map, recipe.adapter.target_modules));
    targets.modules = std::move(matched);
    return targets;
}

int64_t& rank_of(LayerShape& shape, LinearRole role) {
    switch (role) {
        case LinearRole::O:
            return shape.o_rank;
        case LinearRole::Gate:
        case LinearRole::Up:
            return shape.gate_up_rank;
        case LinearRole::Down:
            return shape.down_rank;
        default:
            return shape.qkv_rank;
    }
}

// As the engine lays adapters out: per group of linears all A end to end, then all B.
void add_adapters(const LayerNames& names, const Targets& targets, Trained& trained,
                  LayerShape& shape, ModelMemory& memory) {
    struct Group {
        std::vector<int64_t> a, b, magnitudes;
    };
    Group groups[4];
    for (const LinearInfo& linear : names.linears) {
        if (!targets.contains(linear)) continue;
        const int64_t rank = targets.config.rank_of(linear.module);
        int64_t& group_rank = rank_of(shape, linear.role);
        group_rank += rank;
        const auto place = static_cast<size_t>(&group_rank == &shape.qkv_rank       ? 0
                                               : &group_rank == &shape.o_rank       ? 1
                                               : &group_rank == &shape.gate_up_rank ? 2
                                                                                    : 3);
        groups[place].a.push_back(rank * linear.in_features);
        groups[place].b.push_back(rank * linear.out_features);
        if (targets.config.use_dora) {
            groups[place].magnitudes.push_back(linear.out_features);
            // The norms of its rows and what they scale by, in float32.
            memory.adapter_bytes += 2 * block_bytes(4 * linear.out_features);
        }
        ++memory.adapted_modules;
    }
    for (const Group& group : groups) {
        trained.add_block(group.a);
        trained.add_block(group.b);
        trained.add_block(group.magnitudes);
    }
}

// Half a byte a weight, and its block maxima: float32, or a byte each with float32 maxima of those.
void add_quantized(const Recipe& recipe, int64_t count, ModelMemory& memory) {
    memory.weight_bytes += (count + 1) / 2;
    const int64_t blocks = blocks_of(count, recipe.quantization.block_size);
    memory.constant_bytes += recipe.quantization.double_quant
                                 ? blocks + 4 * blocks_of(blocks, kNestedBlock)
                                 : 4 * blocks;
    memory.largest_linear = std::max(memory.largest_linear, count);
}

}  // namespace

Result<ModelMemory> model_memory(const ModelConfig& config, const Recipe& recipe, bool is_device) {
    const WeightMap map = make_weight_map(config);
    ModelMemory memory;
    memory.value_bytes = value_bytes_of(config, recipe, map, is_device);
    memory.parameter_count = parameter_count(config);
    memory.is_full = recipe.adapter.method == AdapterMethod::Full;
    memory.is_quantized = recipe.quantization.base == BaseQuantization::Nf4;
    memory.layers.assign(map.layers.size(), layer_shape(config));
    memory.lowest_layer = memory.is_full ? 0 : config.num_hidden_layers;
    Trained trained(recipe, memory);

    if (memory.is_full) {
        // Every tensor is a float32 master of its own; the file's pages are read once and let go.
        for (const WeightInfo& weight : weights_of(config, map)) {
            trained.add_block({count_of(weight.shape)});
        }
        trained.finish();
        return memory;
    }
    std::set<std::string> quantized;
    if (memory.is_quantized) {
        for (const LinearInfo* linear : map.linears()) quantized.insert(linear->module + ".weight");
    }
    for (const WeightInfo& weight : weights_of(config, map)) {
        const int64_t count = count_of(weight.shape);
        if (quantized.contains(weight.name)) {
            add_quantized(recipe, count, memory);
        } else {
            memory.weight_bytes += count * memory.value_bytes;
        }
    }
    TRY(targets, targets_of(recipe, map));
    memory.is_dora = targets.config.use_dora;
    for (size_t i = 0; i < map.layers.size(); ++i) {
        const int64_t before = memory.adapted_modules;
        add_adapters(map.layers[i], targets, trained, memory.layers[i], memory);
        if (memory.adapted_modules > before) {
            memory.lowest_layer = std::min(memory.lowest_layer, static_cast<int64_t>(i));
        }
    }
    trained.finish();
    return memory;
}

}  // namespace dayrun::core
