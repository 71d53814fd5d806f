// Builds the decoder's weights and the trained parameters. Neighbour: model_builder.h.
#include "core/engine/model/model_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/engine/device/host_mirror.h"
#include "core/model/adapter_files.h"

namespace dayrun::engine {
namespace {

using core::Error;
using core::ErrorCode;
using core::LinearInfo;
using core::LinearRole;
using core::Result;

/// One build: the parts that the steps below share.
class Builder {
  public:
    Builder(const core::Recipe& recipe, BaseModel& base) : m_recipe(recipe), m_base(base) {}

    Result<BuiltModel> build();

  private:
    bool trains_all() const { return m_recipe.adapter.method == core::AdapterMethod::Full; }
    Result<void> choose_adapter();
    Result<Parameter*> add_trained(const std::string& name, const std::vector<int64_t>& shape);
    Result<Norm> make_norm(const std::string& name, int64_t width);
    Result<LinearGroup> make_group(const core::LayerNames& names,
                                   const std::vector<LinearRole>& roles);
    Result<void> add_adapters(std::vector<Linear>& linears);
    Result<DecoderLayer> make_layer(size_t index);
    Result<void> make_ends();
    Result<void> read_adapter_tensor(const core::TensorView& tensor, Parameter& parameter);
    Result<void> read_adapter();
    void draw_adapter();

    const core::Recipe& m_recipe;
    BaseModel& m_base;
    BuiltModel m_model;
    std::set<std::string> m_targets;
    int64_t m_module_count = 0;
    std::optional<core::AdapterFiles> m_start;  // the adapter of adapter.init_from
};

// PEFT lists names; all-linear becomes the names it stands for in this model.
std::vector<std::string> short_names(const std::vector<const LinearInfo*>& modules) {
    std::vector<std::string> names;
    for (const LinearInfo* const info : modules) {
        const std::string name = info->module.substr(info->module.rfind('.') + 1);
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
}

Result<void> Builder::choose_adapter() {
    const core::AdapterSpec& spec = m_recipe.adapter;
    core::AdapterConfig& adapter = m_model.adapter;
    if (!spec.init_from.empty()) {
        TRY(files, core::AdapterFiles::open(m_recipe.resolved(spec.init_from), m_base.map()));
        adapter = files.config();
        m_model.trained_on = files.trained_on();
        for (const core::AdapterModule& module : files.modules()) {
            m_targets.insert(module.linear->module);
            m_model.adapted_modules.push_back(module.linear->module);
        }
        m_start.emplace(std::move(files));
    } else {
        adapter.rank = spec.lora_rank;
        adapter.alpha = spec.lora_alpha;
        adapter.use_rslora = spec.method == core::AdapterMethod::RsLora;
        adapter.use_dora = spec.method == core::AdapterMethod::Dora;
        adapter.target_modules = spec.target_modules;
    }
    adapter.dropout = spec.lora_dropout;
    adapter.base_model_name_or_path = m_recipe.base.path;
    if (m_start) return {};
    const auto* const list = std::get_if<std::vector<std::string>>(&adapter.target_modules);
    if (list != nullptr && list->empty()) return {};  // the base alone
    TRY(modules, core::match_target_modules(m_base.map(), adapter.target_modules));
    for (const LinearInfo* const info : modules) {
        m_targets.insert(info->module);
        m_model.adapted_modules.push_back(info->module);
    }
    const auto* const text = std::get_if<std::string>(&adapter.target_modules);
    std::string lower = text == nullptr ? "" : *text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "all-linear") adapter.target_modules = short_names(modules);
    return {};
}

Result<Parameter*> Builder::add_trained(const std::string& name,
                                        const std::vector<int64_t>& shape) {
    Parameter* const parameter = m_model.parameters->add_block({{name, shape}}).front();
    const HostMirror value(parameter->value, parameter->count * 4, MirrorUse::Write);
    TRY_VOID(m_base.copy_weight(name, shape, value.floats()));
    return parameter;
}

Result<Norm> Builder::make_norm(const std::string& name, int64_t width) {
    if (!trains_all()) {
        TRY(weight, m_base.weight(name, {width}));
        return Norm{weight, nullptr};
    }
    TRY(parameter, add_trained(name, {width}));
    return Norm{parameter->matrix(), parameter};
}

Result<LinearGroup> Builder::make_group(const core::LayerNames& names,
                                        const std::vector<LinearRole>& roles) {
    std::vector<Linear> linears;
    for (const LinearInfo& info : names.linears) {
        if (std::find(roles.begin(), roles.end(), info.role) == roles.end()) continue;
        Linear linear;
        linear.module = info.module;
        linear.number = m_module_count++;
        const std::vector<int64_t> shape{info.out_features, info.in_features};
        const std::string weight_name = info.module + ".weight", bias_name = info.module + ".bias";
        if (trains_all()) {
            TRY(weight, add_trained(weight_name, shape));
            linear.trained_weight = weight;
            linear.weight = weight->matrix();
            if (info.has_bias) {
                TRY(bias, add_trained(bias_name, {info.out_features}));
                linear.trained_bias = bias;
                linear.bias = bias->matrix();
            }
        } else {
            TRY(weight, m_base.linear_weight(info));
            linear.weight = weight;
            if (info.has_bias) {
                TRY(bias, m_base.weight(bias_name, {info.out_features}));
                linear.bias = bias;
            }
        }
        linears.push_back(std::move(linear));
    }
    if (!trains_all()) TRY_VOID(add_adapters(linears));
    return LinearGroup(std::move(linears));
}

// The A matrices of a group first, end to end, so that they form one tall matrix; then the Bs, then
// the magnitudes, whose values follow from the weights once the decoder stands.
Result<void> Builder::add_adapters(std::vector<Linear>& linears) {
    std::vector<ParameterSet::Spec> a_specs, b_specs, magnitude_specs;
    std::vector<Linear*> adapted;
    for (Linear& linear : linears) {
        if (!m_targets.contains(linear.module)) continue;
        linear.rank = m_model.adapter.rank_of(linear.module);
        linear.scaling = static_cast<float>(m_model.adapter.scaling_of(linear.module));
        if (linear.rank <= 0) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("The adapter of {} has rank {}.", linear.module,
                                                linear.rank),
                         .hint = "Set adapter.lora_rank to 1 or more."};
        }
        const int64_t out = linear.weight.rows(), in = linear.weight.cols();
        a_specs.push_back({core::lora_a_name(linear.module), {linear.rank, in}});
        b_specs.push_back({core::lora_b_name(linear.module), {out, linear.rank}});
        magnitude_specs.push_back({core::dora_magnitude_name(linear.module), {out}});
        adapted.push_back(&linear);
    }
    if (adapted.empty()) return {};
    const std::vector<Parameter*> a = m_model.parameters->add_block(a_specs);
    const std::vector<Parameter*> b = m_model.parameters->add_block(b_specs);
    for (size_t i = 0; i < adapted.size(); ++i) {
        adapted[i]->lora_a = a[i];
        adapted[i]->lora_b = b[i];
    }
    if (!m_model.adapter.use_dora) return {};
    const std::vector<Parameter*> m = m_model.parameters->add_block(magnitude_specs);
    for (size_t i = 0; i < adapted.size(); ++i) adapted[i]->dora = std::make_unique<Dora>(m[i]);
    return {};
}

Result<DecoderLayer> Builder::make_layer(size_t index) {
    const core::LayerNames& names = m_base.map().layers[index];
    const core::ModelConfig& config = m_base.config();
    DecoderLayer layer;
    TRY(input_norm, make_norm(names.input_norm, config.hidden_size));
    layer.input_norm = input_norm;
    TRY(qkv, make_group(names, {LinearRole::Q, LinearRole::K, LinearRole::V, LinearRole::Qkv}));
    layer.qkv = std::move(qkv);
    if (config.qk_norm) {
        TRY(q_norm, make_norm(names.q_norm, config.head_dim));
        TRY(k_norm, make_norm(names.k_norm, config.head_dim));
        layer.q_norm = q_norm;
        layer.k_norm = k_norm;
    }
    TRY(o, make_group(names, {LinearRole::O}));
    layer.o = std::move(o);
    TRY(post_norm, make_norm(names.post_attention_norm, config.hidden_size));
    layer.post_attention_norm = post_norm;
    TRY(gate_up, make_group(names, {LinearRole::Gate, LinearRole::Up}));
    layer.gate_up = std::move(gate_up);
    for (const LinearInfo& info : names.linears) {
        for (const Linear& linear : layer.gate_up.linears()) {
            if (linear.module != info.module) continue;
            (info.role == LinearRole::Gate ? layer.gate_begin : layer.up_begin) = linear.out_begin;
        }
    }
    TRY(down, make_group(names, {LinearRole::Down}));
    layer.down = std::move(down);
    if (index < config.sliding_window.size()) layer.window = config.sliding_window[index];
    return layer;
}

Result<void> Builder::make_ends() {
    const core::WeightMap& map = m_base.map();
    const core::ModelConfig& config = m_base.config();
    DecoderWeights& weights = m_model.weights;
    const std::vector<int64_t> shape{config.vocab_size, config.hidden_size};
    const bool tied = map.lm_head.empty();
    TRY(final_norm, make_norm(map.final_norm, config.hidden_size));
    weights.final_norm = final_norm;
    if (trains_all()) {
        TRY(embedding, add_trained(map.embed_tokens, shape));
        weights.trained_embedding = weights.trained_head = embedding;
        if (!tied) {
            TRY(head, add_trained(map.lm_head, shape));
            weights.trained_head = head;
        }
        weights.embedding = weights.trained_embedding->matrix();
        weights.head = weights.trained_head->matrix();
        return {};
    }
    TRY(embedding, m_base.weight(map.embed_tokens, shape));
    weights.embedding = weights.head = embedding;
    if (!tied) {
        TRY(head, m_base.weight(map.lm_head, shape));
        weights.head = head;
    }
    return {};
}

// A = uniform(-1/sqrt(in), 1/sqrt(in)), PEFT's kaiming_uniform(a = sqrt 5); B = 0. Every module has
// its own stream, so an adapter's values do not depend on which others there are.
void Builder::draw_adapter() {
    for (Parameter& parameter : m_model.parameters->all()) {
        const HostMirror value(parameter.value, parameter.count * 4, MirrorUse::Write);
        const bool is_a = parameter.name.find(".lora_A.") != std::string::npos;
        if (!is_a) {
            std::fill_n(value.floats(), parameter.count, 0.0F);
            continue;
        }
        core::Rng rng(m_recipe.seed, "adapter " + parameter.name);
        const double bound = 1.0 / std::sqrt(static_cast<double>(parameter.shape.back()));
        for (int64_t i = 0; i < parameter.count; ++i) {
            value.floats()[i] = static_cast<float>(bound * (2.0 * rng.uniform() - 1.0));
        }
    }
}

Result<BuiltModel> Builder::build() {
    m_model.weights.config = m_base.config();
    m_model.weights.dtype = m_base.dtype();
    if (!trains_all()) TRY_VOID(choose_adapter());
    m_model.parameters = std::make_unique<ParameterSet>(
        m_base.dtype(), trains_all() ? Dtype::Float32 : stored_dtype(m_recipe.adapter),
        m_model.adapter.use_dora ? SeenValues::Float32 : SeenValues::AsProducts);
    for (size_t i = 0; i < m_base.map().layers.size(); ++i) {
        TRY(layer, make_layer(i));
        m_model.weights.layers.push_back(std::move(layer));
    }
    TRY_VOID(make_ends());
    if (!trains_all()) {
        draw_adapter();
        if (m_start) TRY_VOID(read_adapter());
    }
    m_model.parameters->refresh_copies();
    return std::move(m_model);
}

// One tensor of the adapter to start from into its parameter.
Result<void> Builder::read_adapter_tensor(const core::TensorView& tensor, Parameter& parameter) {
    const HostMirror value(parameter.value, parameter.count * 4, MirrorUse::Write);
    float* const values = value.floats();
    TRY_VOID(convert_to_float(tensor, values));
    if (std::all_of(values, values + parameter.count, [](float v) { return std::isfinite(v); })) {
        return {};
    }
    return Error{.code = ErrorCode::NotFinite,
                 .message = fmt::format("Tensor '{}' of the adapter '{}' holds values that are not "
                                        "finite.",
                                        tensor.name, m_recipe.adapter.init_from),
                 .hint = "The adapter is damaged or its training diverged: use an earlier one."};
}

Result<void> Builder::read_adapter() {
    for (const core::AdapterModule& module : m_start->modules()) {
        Parameter* const a = m_model.parameters->find(core::lora_a_name(module.linear->module));
        Parameter* const b = m_model.parameters->find(core::lora_b_name(module.linear->module));
        CHECK(a != nullptr && b != nullptr);
        TRY_VOID(read_adapter_tensor(*module.a, *a));
        TRY_VOID(read_adapter_tensor(*module.b, *b));
        if (module.magnitude == nullptr) continue;
        Parameter* const m =
            m_model.parameters->find(core::dora_magnitude_name(module.linear->module));
        TRY_VOID(read_adapter_tensor(*module.magnitude, *m));
    }
    return {};
}

}  // namespace

Dtype stored_dtype(const core::AdapterSpec& spec) {
    return spec.dtype == core::DtypeChoice::BFloat16 ? Dtype::BFloat16 : Dtype::Float32;
}

Result<BuiltModel> build_model(const core::Recipe& recipe, BaseModel& base) {
    return Builder(recipe, base).build();
}

}  // namespace dayrun::engine
