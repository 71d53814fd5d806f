// The trained parameters' memory. Neighbour: parameters.h.
#include "core/engine/model/parameters.h"

#include <algorithm>
#include <cctype>

#include "kernels/convert/convert.h"

namespace dayrun::engine {

Matrix Parameter::matrix() const {
    if (copy == nullptr) return seen();
    const int64_t cols = width();
    return dense(copy, count / cols, cols, Dtype::BFloat16);
}

Matrix Parameter::seen() const {
    const int64_t cols = width();
    return dense(rounded != nullptr ? rounded : value, count / cols, cols, Dtype::Float32);
}

int64_t Parameter::width() const {
    return std::max<int64_t>(1, shape.empty() ? 1 : shape.back());
}

void Parameter::refresh_rounded() const {
    if (rounded == nullptr) return;
    if (copy == nullptr) {
        kernels::convert_rows(
            {.out = narrow, .x = value, .out_dtype = Dtype::BFloat16, .rows = 1, .cols = count});
    }
    kernels::convert_rows({.out = rounded,
                           .x = copy != nullptr ? copy : narrow,
                           .x_dtype = Dtype::BFloat16,
                           .rows = 1,
                           .cols = count});
}

void Parameter::refresh_copy() const {
    if (copy != nullptr) {
        kernels::convert_rows(
            {.out = copy, .x = value, .out_dtype = Dtype::BFloat16, .rows = 1, .cols = count});
    }
    refresh_rounded();
}

std::vector<Parameter*> ParameterSet::add_block(const std::vector<Spec>& specs) {
    int64_t total = 0;
    std::vector<Parameter*> added;
    for (const Spec& spec : specs) {
        Parameter parameter;
        parameter.name = spec.name;
        parameter.shape = spec.shape;
        parameter.count = 1;
        for (const int64_t extent : spec.shape) parameter.count *= extent;
        parameter.decays = has_weight_decay(spec.name);
        total += parameter.count;
        added.push_back(&m_parameters.emplace_back(std::move(parameter)));
    }
    Block& block = m_blocks.emplace_back();
    block.values = Buffer(total * 4, MemoryPart::Adapters);
    block.gradients = Buffer(total * 4, MemoryPart::Gradients);
    block.gradients.fill_zero();
    const bool copied = m_compute_dtype == Dtype::BFloat16;
    if (copied) block.copies = Buffer(total * 2, MemoryPart::Adapters);
    const bool is_rounded =
        m_value_dtype == Dtype::BFloat16 && (!copied || m_seen == SeenValues::Float32);
    if (is_rounded) block.rounded = Buffer(total * 4, MemoryPart::Adapters);
    if (is_rounded && !copied) block.narrow = Buffer(total * 2, MemoryPart::Adapters);
    int64_t offset = 0;
    for (Parameter* const parameter : added) {
        parameter->value = block.values.floats() + offset;
        parameter->gradient = block.gradients.floats() + offset;
        if (copied) parameter->copy = static_cast<bfloat16*>(block.copies.data()) + offset;
        if (is_rounded) parameter->rounded = block.rounded.floats() + offset;
        if (is_rounded && !copied) {
            parameter->narrow = static_cast<bfloat16*>(block.narrow.data()) + offset;
        }
        offset += parameter->count;
    }
    return added;
}

Parameter* ParameterSet::find(const std::string& name) {
    const auto found = std::find_if(m_parameters.begin(), m_parameters.end(),
                                    [&](const Parameter& p) { return p.name == name; });
    return found == m_parameters.end() ? nullptr : &*found;
}

int64_t ParameterSet::count() const {
    int64_t total = 0;
    for (const Parameter& parameter : m_parameters) total += parameter.count;
    return total;
}

void ParameterSet::zero_gradients() {
    for (Block& block : m_blocks) block.gradients.fill_zero();
}

void ParameterSet::refresh_rounded() const {
    for (const Parameter& parameter : m_parameters) parameter.refresh_rounded();
}

void ParameterSet::refresh_copies() const {
    for (const Parameter& parameter : m_parameters) parameter.refresh_copy();
}

bool has_weight_decay(const std::string& name) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    // Adapter matrices decay whatever their module is called.
    if (lower.find(".lora_") != std::string::npos) return true;
    // `ln_` are the norms of Qwen 1.
    for (const char* const part : {"bias", "layernorm", "rmsnorm", "_norm.", ".norm.", "ln_"}) {
        if (lower.find(part) != std::string::npos) return false;
    }
    return true;
}

}  // namespace dayrun::engine
