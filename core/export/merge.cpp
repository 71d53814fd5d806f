// The walk of a merge: open both, declare the file, give its tensors one by one. See merge.h.
#include "core/export/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/device/worker_threads.h"
#include "core/export/merge_rows.h"
#include "core/export/model_files.h"
#include "core/model/adapter_files.h"
#include "core/model/base_fingerprint.h"
#include "core/model/files/element_convert.h"
#include "core/model/model_config.h"
#include "core/model/model_folder.h"
#include "core/quantize/nf4_cache.h"
#include "core/quantize/nf4_writer.h"

namespace dayrun::core {
namespace {

std::string config_dtype(TensorDtype dtype) {
    if (dtype == TensorDtype::Float32) return "float32";
    return dtype == TensorDtype::BFloat16 ? "bfloat16" : "float16";
}

std::vector<float> as_float32(const TensorView& tensor) {
    std::vector<float> values(static_cast<size_t>(tensor.element_count()));
    to_float32(tensor.dtype, tensor.bytes, values);
    return values;
}

/// Calls body(begin, end) on disjoint ranges of rows, one per thread.
template <typename Body>
void over_rows(int64_t rows, Body body) {
    const int64_t count = std::clamp<int64_t>(rows / 64, 1, worker_threads());
    std::vector<std::jthread> workers;
    for (int64_t i = 0; i < count; ++i) {
        workers.emplace_back([=] { body(rows * i / count, rows * (i + 1) / count); });
    }
}

/// The base's weights that count as NF4: of a 4-bit checkpoint, or of a base's cache.
class QuantizedWeights {
  public:
    Result<void> open(const MergeRequest& request, const ModelConfig& config, const WeightMap& map,
                      const CheckpointFiles& base, TensorSums& sums) {
        if (config.quantization.empty() && !request.dequantized) return {};
        FindTensor find = [&base](std::string_view name) { return base.find(name); };
        if (config.quantization.empty()) {
            TRY(cache, open_nf4_cache(request.base, base, map, *request.dequantized, sums));
            m_cache = std::move(cache.file);
            find = [this](std::string_view name) { return m_cache->find(name); };
        }
        for (const WeightInfo& weight : linear_weights(map)) {
            if (!is_nf4_tensor(find, weight.name)) continue;
            TRY(tensor, read_nf4_tensor(find, weight.name, weight.shape));
            m_tensors[weight.name] = std::move(tensor);
            const Nf4Names names(weight.name);
            m_constants.insert({names.absmax, names.quant_map, names.nested_absmax,
                                names.nested_quant_map, names.state});
        }
        return {};
    }

    const Nf4Tensor* find(std::string_view weight) const {
        const auto found = m_tensors.find(weight);
        return found == m_tensors.end() ? nullptr : &found->second;
    }
    bool is_constant(const std::string& name) const { return m_constants.contains(name); }
    bool empty() const { return m_tensors.empty(); }

  private:
    std::unique_ptr<SafetensorsFile> m_cache;
    std::map<std::string, Nf4Tensor, std::less<>> m_tensors;
    std::set<std::string> m_constants;
};

/// Makes the merged model's tensors one at a time; the buffers hold one of them.
class Merger {
  public:
    Merger(const MergeRequest& request, const CheckpointFiles& base, const AdapterFiles& adapter,
           const QuantizedWeights& quantized)
        : m_request(request), m_base(base), m_quantized(quantized) {
        for (const AdapterModule& module : adapter.modules()) {
            m_modules[module.linear->module + ".weight"] = &module;
        }
    }

    /// The tensors of the merged file.
    std::vector<TensorSpec> specs() const {
        std::vector<TensorSpec> all;
        for (const auto& file : m_base.files()) {
            for (const TensorView& tensor : file->tensors()) {
                const Nf4Tensor* const nf4 = m_quantized.find(tensor.name);
                if (nf4 != nullptr) {
                    const TensorDtype dtype = m_request.dtype.value_or(nf4->state.dtype);
                    all.push_back({tensor.name, dtype, nf4->state.shape});
                } else if (!m_quantized.is_constant(tensor.name)) {
                    all.push_back({tensor.name, stored_as(tensor), tensor.shape});
                }
            }
        }
        return all;
    }

    Result<std::span<const std::byte>> provide(const TensorSpec& spec) {
        if (m_request.stop.stop_requested()) {
            return Error{.code = ErrorCode::Cancelled, .message = "The merge was stopped."};
        }
        if (m_previous != nullptr) m_base.drop_pages(*m_previous);
        const TensorView& source = *m_base.find(spec.name);
        m_previous = &source;
        m_done_bytes += static_cast<int64_t>(source.bytes.size());
        if (m_request.on_progress) m_request.on_progress(m_done_bytes, m_base.total_bytes());
        const auto found = m_modules.find(spec.name);
        const Nf4Tensor* const nf4 = m_quantized.find(spec.name);
        if (nf4 == nullptr && found == m_modules.end() && spec.dtype == source.dtype) {
            return source.bytes;
        }
        int64_t count = 1;
        for (const int64_t extent : spec.shape) count *= extent;
        m_values.resize(static_cast<size_t>(count));
        if (nf4 != nullptr) {
            dequantize(*nf4, m_values);
        } else {
            to_float32(source.dtype, source.bytes, m_values);
        }
        if (found != m_modules.end()) TRY_VOID(merge(*found->second));
        m_bytes.resize(m_values.size() * static_cast<size_t>(dtype_bytes(spec.dtype)));
        from_float32(m_values, spec.dtype, m_bytes);
        return std::span<const std::byte>(m_bytes);
    }

  private:
    TensorDtype stored_as(const TensorView& tensor) const {
        return m_request.dtype && is_convertible(tensor.dtype) ? *m_request.dtype : tensor.dtype;
    }

    Result<void> merge(const AdapterModule& module) {
        const std::vector<float> a = as_float32(*module.a);
        const std::vector<float> b = as_float32(*module.b);
        const std::vector<float> magnitude =
            module.magnitude != nullptr ? as_float32(*module.magnitude) : std::vector<float>{};
        const MergeFactors factors{.a = a,
                                   .b = b,
                                   .magnitude = magnitude,
                                   .rank = module.rank,
                                   .in_features = module.linear->in_features,
                                   .scaling = static_cast<float>(module.scaling)};
        over_rows(module.linear->out_features,
                  [&](int64_t begin, int64_t end) { merge_rows(m_values, factors, begin, end); });
        if (std::all_of(m_values.begin(), m_values.end(),
                        [](float v) { return std::isfinite(v); })) {
            return {};
        }
        return Error{.code = ErrorCode::NotFinite,
                     .message = fmt::format("Merging '{}' gives values that are not finite.",
                                            module.linear->module),
                     .hint =
                         "The adapter or the base holds broken values; export an earlier "
                         "checkpoint."};
    }

    const MergeRequest& m_request;
    const CheckpointFiles& m_base;
    const QuantizedWeights& m_quantized;
    std::map<std::string, const AdapterModule*, std::less<>> m_modules;
    const TensorView* m_previous = nullptr;
    std::vector<float> m_values;
    std::vector<std::byte> m_bytes;
    int64_t m_done_bytes = 0;
};

/// Every module that the adapter changes must be there in its shape and a type that can be summed.
Result<void> check_base(const CheckpointFiles& base, const AdapterFiles& adapter,
                        const QuantizedWeights& quantized) {
    for (const AdapterModule& module : adapter.modules()) {
        if (quantized.find(module.linear->module + ".weight") != nullptr) continue;
        TRY(weight, base.require(module.linear->module + ".weight",
                                 {module.linear->out_features, module.linear->in_features}));
        if (!is_convertible(weight.dtype)) {
            return Error{.code = ErrorCode::Unsupported,
                         .message = fmt::format("'{}' is stored as {}, into which no adapter can "
                                                "be merged.",
                                                weight.name, to_string(weight.dtype)),
                         .hint = "Merge into the model's F32, BF16 or F16 weights."};
        }
    }
    return {};
}

/// The base must be the one that the adapter was trained on, where the adapter says so.
Result<void> check_trained_on(const MergeRequest& request, const CheckpointFiles& base,
                              const AdapterFiles& adapter, TensorSums& sums) {
    if (!adapter.trained_on() || request.takes_any_base) return {};
    sums.finish();
    TRY(fingerprint, fingerprint_of(request.base, base, sums));
    std::string sentence =
        other_base_sentence(request.adapter, *adapter.trained_on(), request.base, fingerprint);
    if (sentence.empty()) return {};
    return Error{.code = ErrorCode::BadModel,
                 .message = std::move(sentence),
                 .hint =
                     "Give the model that it was trained on, or --any-base to merge all the "
                     "same."};
}

}  // namespace

Result<MergeReport> merge_adapter(const MergeRequest& request) {
    if (request.dtype && !is_convertible(*request.dtype)) {
        return Error{.code = ErrorCode::BadUsage,
                     .message = fmt::format("Merged weights cannot be stored as {}.",
                                            to_string(*request.dtype)),
                     .hint = "Choose F32, BF16 or F16."};
    }
    std::error_code ignored;
    if (std::filesystem::equivalent(request.base, request.out, ignored)) {
        return Error{
            .code = ErrorCode::BadUsage,
            .message = fmt::format("'{}' is the base model's own folder.", request.out.string()),
            .hint = "Choose another folder for the merged model."};
    }
    TRY(config, read_model_config(request.base));
    const WeightMap map = make_weight_map(config);
    TRY(base, CheckpointFiles::open(request.base));
    TRY_VOID(check_layer_count(base, config));
    TRY(adapter, AdapterFiles::open(request.adapter, map));
    TensorSums sums(base);
    TRY_VOID(check_trained_on(request, base, adapter, sums));
    QuantizedWeights quantized;
    TRY_VOID(quantized.open(request, config, map, base, sums));
    TRY_VOID(check_base(base, adapter, quantized));
    TRY_VOID(ensure_folder(request.out));

    Merger merger(request, base, adapter, quantized);
    const auto provide = [&](const TensorSpec& spec) { return merger.provide(spec); };
    TRY_VOID(
        write_safetensors_streamed(request.out / "model.safetensors", merger.specs(), provide));
    TRY_VOID(write_model_config(config, request.base, request.out,
                                request.dtype ? config_dtype(*request.dtype) : ""));
    TRY_VOID(copy_tokenizer_files(request.base, request.out));
    TRY_VOID(copy_model_side_files(request.base, request.out));

    MergeReport report{.merged_modules = static_cast<int64_t>(adapter.modules().size()),
                       .is_dequantized = !quantized.empty(),
                       .is_base_known = adapter.trained_on().has_value()};
    const auto bytes = std::filesystem::file_size(request.out / "model.safetensors", ignored);
    if (!ignored) report.bytes = static_cast<int64_t>(bytes);
    return report;
}

}  // namespace dayrun::core
