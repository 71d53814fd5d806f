// The trained parameters' memory. Neighbour: parameters.h.
#include "core/engine/model/parameters.h"

#include <algorithm>
#include <cctype>

#include "core/engine/device/host_mirror.h"
#include "kernels/common/parallel.h"
#include "kernels/convert/convert.h"

namespace dayrun::engine {

Matrix Parameter::matrix() const {
    Matrix made = seen();
    if (copy == nullptr) return made;
    made.data = copy;
    made.dtype = Dtype::BFloat16;
    return made;
}

Matrix Parameter::seen() const {
    const int64_t cols = shape.empty() ? 1 : shape.back();
    const int64_t rows = cols == 0 ? 0 : count / cols;
    return dense(rounded != nullptr ? rounded : value, rows, cols, Dtype::Float32);
}

void Parameter::refresh_rounded() const {
    if (rounded == nullptr) return;
    kernels::convert_rows(
        {.out = narrow, .x = value, .out_dtype = Dtype::BFloat16, .rows = 1, .cols = count});
    kernels::convert_rows(
        {.out = rounded, .x = narrow, .x_dtype = Dtype::BFloat16, .rows = 1, .cols = count});
}

void Parameter::refresh_copy() const {
    refresh_rounded();
    if (copy == nullptr) return;
    const HostMirror from(value, count * 4, MirrorUse::Read);
    const HostMirror to(copy, count * 2, MirrorUse::Write);
    auto* const narrow = static_cast<bfloat16*>(to.data());
    kernels::parallel_for(count, kernels::grain_for(6), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) narrow[i] = kernels::to_bfloat16(from.floats()[i]);
    });
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
    const bool is_rounded = m_value_dtype == Dtype::BFloat16;
    if (is_rounded) {
        block.rounded = Buffer(total * 4, MemoryPart::Adapters);
        block.narrow = Buffer(total * 2, MemoryPart::Adapters);
    }
    int64_t offset = 0;
    for (Parameter* const parameter : added) {
        parameter->value = block.values.floats() + offset;
        parameter->gradient = block.gradients.floats() + offset;
        if (copied) parameter->copy = static_cast<bfloat16*>(block.copies.data()) + offset;
        if (is_rounded) {
            parameter->rounded = block.rounded.floats() + offset;
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
