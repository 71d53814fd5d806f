// Opening a base and handing out its weights. Neighbour: base_model.h.
#include "core/engine/model/base_model.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/base/rng.h"
#include "core/engine/device/host_mirror.h"
#include "core/model/files/element_convert.h"
#include "core/model/model_folder.h"
#include "core/model/recipe_base.h"
#include "core/quantize/nf4_cache.h"
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
    TRY(config, core::read_base_config(recipe));
    base.m_config = std::move(config);
    base.m_map = core::make_weight_map(base.m_config);
    const core::TensorView* embedding = nullptr;
    if (!recipe.base.random_init) {
        TRY(files, core::CheckpointFiles::open(base.m_folder));
        TRY_VOID(core::check_layer_count(files, base.m_config));
        base.m_files.emplace(std::move(files));
        base.m_sums = core::TensorSums(*base.m_files);
        embedding = base.m_files->find(base.m_map.embed_tokens);
    }
    base.m_dtype = is_bfloat16(recipe, base.m_config, embedding) ? Dtype::BFloat16 : Dtype::Float32;
    TRY_VOID(base.open_quantized(recipe));
    return base;
}

Result<void> BaseModel::open_quantized(const core::Recipe& recipe) {
    const core::QuantizationSpec& spec = recipe.quantization;
    const bool is_wanted = spec.base == core::BaseQuantization::Nf4;
    const bool is_stored = m_config.quantization == "nf4";
    if (!is_wanted && !is_stored) return {};
    m_nf4_compute_dtype = spec.compute_dtype == core::DtypeChoice::Auto       ? m_dtype
                          : spec.compute_dtype == core::DtypeChoice::BFloat16 ? Dtype::BFloat16
                                                                              : Dtype::Float32;
    if (recipe.adapter.method == core::AdapterMethod::Full || !m_files) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message =
                         "Weights in NF4 are frozen, so adapter.method: full cannot train "
                         "them.",
                     .hint =
                         "Set adapter.method to lora, or use the model's 16-bit weights with "
                         "quantization.base: none."};
    }
    if (is_stored) return {};
    TRY(cache, core::open_nf4_cache(
                   m_folder, *m_files, m_map,
                   {.block_size = spec.block_size, .double_quant = spec.double_quant}, m_sums));
    m_nf4_file = std::move(cache.file);
    return {};
}

const core::TensorView* BaseModel::find_quantized(std::string_view name) const {
    return m_nf4_file != nullptr ? m_nf4_file->find(name) : m_files->find(name);
}

Result<FrozenWeight> BaseModel::linear_weight(const core::LinearInfo& info) {
    const std::string name = info.module + ".weight";
    const std::vector<int64_t> shape{info.out_features, info.in_features};
    const auto find = [&](std::string_view wanted) { return find_quantized(wanted); };
    // A 4-bit checkpoint may leave some modules as they were.
    if (!is_nf4() || !core::is_nf4_tensor(find, name)) {
        TRY(dense, weight(name, shape));
        return FrozenWeight(dense);
    }
    TRY(tensor, core::read_nf4_tensor(find, name, shape));
    m_weight_bytes += tensor.bytes;
    FrozenWeight made;
    made.nf4 = current_arena().is_host() ? tensor.weight : on_device(tensor.weight);
    if (current_arena().is_host()) {
        // Used where the file is mapped, but for what lies off its alignment.
        const int64_t codes = kernels::nf4_code_bytes(info.out_features * info.in_features);
        m_mapped.emplace_back(codes, MemoryPart::Weights);
        m_mapped.emplace_back(tensor.bytes - codes, MemoryPart::Constants);
    }
    made.compute_dtype = m_nf4_compute_dtype;
    m_nf4_tensors.push_back(std::move(tensor));
    return made;
}

// The codes and their constants as copies in memory of the device.
kernels::Nf4Weight BaseModel::on_device(const kernels::Nf4Weight& weight) {
    const auto copied = [&](const void* from, int64_t bytes) {
        const bool is_code = from == weight.codes;
        Buffer& copy =
            m_copies.emplace_back(bytes, is_code ? MemoryPart::Weights : MemoryPart::Constants);
        current_arena().copy_from_host(copy.data(), from, bytes);
        return copy.data();
    };
    const int64_t count = weight.rows * weight.cols;
    const int64_t blocks = kernels::nf4_block_count(count, weight.block_size);
    kernels::Nf4Weight there = weight;
    there.codes = static_cast<const uint8_t*>(copied(weight.codes, kernels::nf4_code_bytes(count)));
    if (weight.absmax != nullptr) {
        there.absmax = static_cast<const float*>(copied(weight.absmax, blocks * 4));
        return there;
    }
    const int64_t nested = (blocks + weight.nested_block_size - 1) / weight.nested_block_size;
    there.absmax_codes = static_cast<const uint8_t*>(copied(weight.absmax_codes, blocks));
    there.nested_absmax = static_cast<const float*>(copied(weight.nested_absmax, nested * 4));
    there.nested_map = static_cast<const float*>(copied(weight.nested_map, int64_t{256} * 4));
    return there;
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
        m_mapped.emplace_back(rows * cols * kernels::element_bytes(m_dtype), MemoryPart::Weights);
        m_in_place.push_back(view);
        // Mapped read-only: nothing ever writes through a frozen weight.
        return dense(const_cast<std::byte*>(view.bytes.data()), rows, cols, m_dtype);
    }
    Buffer& copy =
        m_copies.emplace_back(rows * cols * kernels::element_bytes(m_dtype), MemoryPart::Weights);
    if (fits) {
        current_arena().copy_from_host(copy.data(), view.bytes.data(),
                                       static_cast<int64_t>(view.bytes.size()));
        m_sums.add(view);
        return dense(copy.data(), rows, cols, m_dtype);
    }
    const HostMirror converted(copy.data(), copy.bytes(), MirrorUse::Write);
    if (m_dtype == Dtype::Float32) {
        TRY_VOID(convert(view, converted.floats()));
    } else {
        TRY_VOID(convert(view, static_cast<bfloat16*>(converted.data())));
    }
    m_sums.add(view);
    m_files->drop_pages(view);  // the copy is used from here on
    return dense(copy.data(), rows, cols, m_dtype);
}

Result<core::BaseFingerprint> BaseModel::finish() {
    if (!m_files) return core::fingerprint_of(m_folder);
    const int64_t room = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE) / 10 * 8;
    // As they lie in the files, which the disk reads ahead; the model asks in another order.
    std::sort(m_in_place.begin(), m_in_place.end(),
              [](const auto& a, const auto& b) { return a.bytes.data() < b.bytes.data(); });
    if (m_files->total_bytes() <= room) m_sums.read(m_in_place, core::Pages::Keep);
    m_sums.finish();
    return core::fingerprint_of(m_folder, *m_files, m_sums);
}

Result<void> BaseModel::check_in_use() {
    // Whether the file at the path is the one that is mapped, and was written to.
    const auto is_written = [&](const core::SafetensorsFile& file) {
        const auto now = core::stamp_of(file.path());
        const auto seen = m_looked_at.find(file.path());
        const core::FileStamp& before = seen == m_looked_at.end() ? file.stamp() : seen->second;
        return now && now->device == before.device && now->inode == before.inode &&
               (now->bytes != before.bytes || now->modified_ns != before.modified_ns);
    };
    const auto damaged = [](const core::SafetensorsFile& file) {
        return Error{
            .code = ErrorCode::FileDamaged,
            .message = fmt::format("'{}' was written to while the run used it, so what was "
                                   "trained since cannot be kept.",
                                   file.path().string()),
            .hint = "Restore the file and continue the run from its last resume point."};
    };
    if (m_nf4_file != nullptr && is_written(*m_nf4_file)) return damaged(*m_nf4_file);
    if (!m_files || m_in_place.empty()) return {};
    for (const auto& file : m_files->files()) {
        if (!is_written(*file)) continue;
        const auto now = core::stamp_of(file->path());
        for (const core::TensorView& tensor : m_in_place) {
            if (file->find(tensor.name) != nullptr && !m_sums.holds(tensor)) return damaged(*file);
        }
        m_looked_at[file->path()] = *now;  // only its date is another
    }
    return {};
}

Result<void> BaseModel::copy_weight(const std::string& name, const std::vector<int64_t>& shape,
                                    float* out) {
    if (m_files) {
        TRY(view, m_files->require(name, shape));
        TRY_VOID(convert_to_float(view, out));
        m_sums.add(view);
        return {};
    }
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    draw_weight(name, count, out);
    return {};
}

std::string BaseModel::find_not_finite() const {
    if (!m_files) return {};
    constexpr int64_t kPiece = 1 << 16;
    std::vector<float> values;
    for (const auto& file : m_files->files()) {
        for (const core::TensorView& tensor : file->tensors()) {
            if (!core::is_convertible(tensor.dtype)) continue;
            const int64_t size = core::dtype_bytes(tensor.dtype);
            for (int64_t begin = 0; begin < tensor.element_count(); begin += kPiece) {
                const int64_t count = std::min(kPiece, tensor.element_count() - begin);
                values.resize(static_cast<size_t>(count));
                core::to_float32(tensor.dtype,
                                 tensor.bytes.subspan(static_cast<size_t>(begin * size),
                                                      static_cast<size_t>(count * size)),
                                 values);
                if (!std::all_of(values.begin(), values.end(),
                                 [](float value) { return std::isfinite(value); })) {
                    return tensor.name;
                }
            }
        }
    }
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
