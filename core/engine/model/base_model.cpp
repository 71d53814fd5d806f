// Opening a base and handing out its weights. Neighbour: base_model.h.
#include "core/engine/model/base_model.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "core/base/rng.h"
#include "core/engine/device/host_mirror.h"
#include "kernels/common/parallel.h"

namespace dayrun::engine {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::TensorDtype;

float half_to_float(uint16_t half) {
    const uint32_t sign = uint32_t{half & 0x8000U} << 16;
    const uint32_t exponent = (half >> 10) & 0x1fU;
    const uint32_t mantissa = half & 0x3ffU;
    if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13));
    if (exponent != 0) {
        return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
    }
    const float tiny = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -tiny : tiny;
}

// Reads element i of bytes that need not be aligned to their type.
template <class T>
T element(const std::byte* bytes, int64_t i) {
    T value;
    std::memcpy(&value, bytes + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
}

template <class T>
Result<void> convert(const core::TensorView& view, T* out) {
    const std::byte* const bytes = view.bytes.data();
    const auto fill = [&](auto read) {
        kernels::parallel_for(view.element_count(), 16384, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) out[i] = kernels::round_to<T>(read(i));
        });
    };
    switch (view.dtype) {
        case TensorDtype::Float32:
            fill([&](int64_t i) { return element<float>(bytes, i); });
            return {};
        case TensorDtype::BFloat16:
            fill([&](int64_t i) { return kernels::to_float(element<bfloat16>(bytes, i)); });
            return {};
        case TensorDtype::Float16:
            fill([&](int64_t i) { return half_to_float(element<uint16_t>(bytes, i)); });
            return {};
        default:
            return Error{.code = ErrorCode::BadModel,
                         .message = fmt::format("The tensor {} is stored as {}.", view.name,
                                                core::to_string(view.dtype)),
                         .hint = "Dayrun reads weights in F32, BF16 and F16."};
    }
}

bool is_bfloat16(const core::Recipe& recipe, const core::ModelConfig& config,
                 const core::TensorView* embedding) {
    if (recipe.base.dtype != core::DtypeChoice::Auto) {
        return recipe.base.dtype == core::DtypeChoice::BFloat16;
    }
    if (embedding != nullptr) return embedding->dtype == TensorDtype::BFloat16;
    return config.torch_dtype == "bfloat16";
}

}  // namespace

Result<void> convert_to_float(const core::TensorView& view, float* out) {
    return convert(view, out);
}

Result<BaseModel> BaseModel::open(const core::Recipe& recipe) {
    if (recipe.base.path.empty()) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = "The recipe names no base model.",
                     .hint = "Set base.path to a folder in the Hugging Face layout."};
    }
    BaseModel base;
    base.m_folder = recipe.resolved(recipe.base.path);
    base.m_seed = recipe.seed;
    TRY(config, core::read_model_config(base.m_folder));
    base.m_config = std::move(config);
    base.m_map = core::make_weight_map(base.m_config);
    const core::TensorView* embedding = nullptr;
    if (!recipe.base.random_init) {
        TRY(files, core::CheckpointFiles::open(base.m_folder));
        base.m_files.emplace(std::move(files));
        embedding = base.m_files->find(base.m_map.embed_tokens);
    }
    base.m_dtype = is_bfloat16(recipe, base.m_config, embedding) ? Dtype::BFloat16 : Dtype::Float32;
    return base;
}

Result<Matrix> BaseModel::weight(const std::string& name, const std::vector<int64_t>& shape) {
    if (!m_files) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message =
                         "base.random_init starts from random weights, which an adapter "
                         "cannot be trained on.",
                     .hint = "Set adapter.method to full, or base.random_init to false."};
    }
    TRY(view, m_files->require(name, shape));
    const int64_t cols = shape.back();
    const int64_t rows = view.element_count() / cols;
    const bool fits = (m_dtype == Dtype::Float32 && view.dtype == TensorDtype::Float32) ||
                      (m_dtype == Dtype::BFloat16 && view.dtype == TensorDtype::BFloat16);
    const auto address = reinterpret_cast<uintptr_t>(view.bytes.data());
    const auto element_size = static_cast<uintptr_t>(kernels::element_bytes(m_dtype));
    m_weight_bytes += rows * cols * kernels::element_bytes(m_dtype);
    const bool is_host = current_arena().is_host();
    if (fits && is_host && address % element_size == 0) {
        // Mapped read-only: nothing ever writes through a frozen weight.
        return dense(const_cast<std::byte*>(view.bytes.data()), rows, cols, m_dtype);
    }
    Buffer& copy =
        m_copies.emplace_back(rows * cols * kernels::element_bytes(m_dtype), MemoryPart::Weights);
    if (fits) {
        current_arena().copy_from_host(copy.data(), view.bytes.data(),
                                       static_cast<int64_t>(view.bytes.size()));
        return dense(copy.data(), rows, cols, m_dtype);
    }
    const HostMirror converted(copy.data(), copy.bytes(), MirrorUse::Write);
    if (m_dtype == Dtype::Float32) {
        TRY_VOID(convert(view, converted.floats()));
    } else {
        TRY_VOID(convert(view, static_cast<bfloat16*>(converted.data())));
    }
    return dense(copy.data(), rows, cols, m_dtype);
}

Result<void> BaseModel::copy_weight(const std::string& name, const std::vector<int64_t>& shape,
                                    float* out) const {
    if (m_files) {
        TRY(view, m_files->require(name, shape));
        return convert_to_float(view, out);
    }
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    draw_weight(name, count, out);
    return {};
}

void BaseModel::draw_weight(const std::string& name, int64_t count, float* out) const {
    const bool is_bias = name.ends_with(".bias");
    const bool is_norm =
        name.find("norm") != std::string::npos || name.find(".ln_") != std::string::npos;
    if (is_bias || is_norm) {
        std::fill(out, out + count, is_bias ? 0.0F : 1.0F);
        return;
    }
    core::Rng rng(m_seed, "weight " + name);
    for (int64_t i = 0; i < count; ++i) {
        out[i] = static_cast<float>(m_config.initializer_range * rng.normal());
    }
}

}  // namespace dayrun::engine
