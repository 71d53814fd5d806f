// Body of nf4_writer.h.
#include "core/quantize/nf4_writer.h"

#include <fmt/format.h>

#include <cstring>
#include <map>

#include "core/model/files/element_convert.h"
#include "kernels/blockwise8/blockwise8.h"

namespace dayrun::core {
namespace {

/// One weight's codes and constants.
class Quantized {
  public:
    const std::string& name() const { return m_name; }
    const Nf4State& state() const { return m_state; }
    const std::vector<uint8_t>& codes() const { return m_codes; }
    const std::vector<float>& absmax() const { return m_absmax; }
    const std::vector<uint8_t>& absmax_codes() const { return m_absmax_codes; }
    const std::vector<float>& nested_absmax() const { return m_nested_absmax; }

    Result<void> make(const TensorView& view, const Nf4Options& options) {
        m_name = view.name;
        m_state = {.shape = view.shape,
                   .dtype = view.dtype,
                   .block_size = options.block_size,
                   .is_nested = options.double_quant};
        const int64_t count = view.element_count();
        const int64_t blocks = kernels::nf4_block_count(count, options.block_size);
        m_codes.assign(static_cast<size_t>(kernels::nf4_code_bytes(count)), 0);
        m_absmax.resize(static_cast<size_t>(blocks));
        kernels::Nf4Quantize quantize{.codes = m_codes.data(),
                                      .absmax = m_absmax.data(),
                                      .count = count,
                                      .block_size = options.block_size};
        TRY_VOID(set_source(view, quantize));
        if (kernels::nf4_quantize(quantize) == kernels::Nf4Outcome::NotFinite) {
            return Error{.code = ErrorCode::NotFinite,
                         .message = fmt::format("The weight '{}' holds values that are not finite.",
                                                view.name),
                         .hint = "The checkpoint is damaged: get it again."};
        }
        if (options.double_quant) nest();
        return {};
    }

  private:
    // Read where it is mapped when its type and place allow it, else from a copy.
    Result<void> set_source(const TensorView& view, kernels::Nf4Quantize& quantize) {
        const auto address = reinterpret_cast<uintptr_t>(view.bytes.data());
        const auto size = static_cast<uintptr_t>(dtype_bytes(view.dtype));
        const bool is_aligned = size != 0 && address % size == 0;
        if (is_aligned && view.dtype == TensorDtype::BFloat16) {
            quantize.weight = view.bytes.data();
            quantize.dtype = kernels::Dtype::BFloat16;
            return {};
        }
        if (is_aligned && view.dtype == TensorDtype::Float32) {
            quantize.weight = view.bytes.data();
            return {};
        }
        if (!is_convertible(view.dtype)) {
            return Error{.code = ErrorCode::BadModel,
                         .message = fmt::format("The weight '{}' is stored as {}.", view.name,
                                                to_string(view.dtype)),
                         .hint = "NF4 is made from F32, BF16 and F16 weights."};
        }
        m_converted.resize(static_cast<size_t>(view.element_count()));
        to_float32(view.dtype, view.bytes, m_converted);
        quantize.weight = m_converted.data();
        return {};
    }

    void nest() {
        m_absmax_codes.resize(m_absmax.size());
        m_nested_absmax.resize((m_absmax.size() + kernels::kNf4NestedBlockSize - 1) /
                               kernels::kNf4NestedBlockSize);
        kernels::nf4_nested_quantize({.absmax_codes = m_absmax_codes.data(),
                                      .nested_absmax = m_nested_absmax.data(),
                                      .absmax_offset = &m_state.nested_offset,
                                      .absmax = m_absmax.data(),
                                      .block_count = static_cast<int64_t>(m_absmax.size())});
    }

    std::string m_name;
    Nf4State m_state;
    std::vector<uint8_t> m_codes, m_absmax_codes;
    std::vector<float> m_absmax, m_nested_absmax, m_converted;
};

/// Declares the file's tensors and gives them one after the other.
class Writer {
  public:
    explicit Writer(const Nf4WriteRequest& request) : m_request(request) {
        for (const WeightInfo& weight : request.quantized) {
            m_total_bytes += 2 * byte_count(weight.name);
        }
        for (const std::string& name : request.plain) m_total_bytes += byte_count(name);
    }

    // The state's length depends on its numbers, so all weights are quantized once before.
    Result<void> declare() {
        for (const WeightInfo& weight : m_request.quantized) {
            TRY_VOID(quantize(weight.name, weight.shape));
            const Nf4Names names(weight.name);
            Parts& parts = m_parts[weight.name];
            parts.state = to_json(m_quantized.state());
            parts.nested_absmax = m_quantized.nested_absmax();
            const auto blocks = static_cast<int64_t>(m_quantized.absmax().size());
            const auto codes = static_cast<int64_t>(m_quantized.codes().size());
            const bool is_nested = m_request.options.double_quant;
            add(names.codes, TensorDtype::UInt8, {codes, 1}, weight.name);
            add(names.absmax, is_nested ? TensorDtype::UInt8 : TensorDtype::Float32, {blocks},
                weight.name);
            add(names.quant_map, TensorDtype::Float32, {16}, weight.name);
            add(names.state, TensorDtype::UInt8, {std::ssize(parts.state)}, weight.name);
            if (!is_nested) continue;
            add(names.nested_absmax, TensorDtype::Float32, {std::ssize(parts.nested_absmax)},
                weight.name);
            add(names.nested_quant_map, TensorDtype::Float32, {256}, weight.name);
        }
        for (const std::string& name : m_request.plain) {
            const TensorView* const view = m_request.files.find(name);
            m_specs.push_back({name, view->dtype, view->shape});
        }
        return {};
    }

    const std::vector<TensorSpec>& specs() const { return m_specs; }

    Result<std::span<const std::byte>> provide(const TensorSpec& spec) {
        const auto owner = m_owner.find(spec.name);
        if (owner == m_owner.end()) {
            const TensorView* const view = m_request.files.find(spec.name);
            TRY_VOID(advance(view->bytes.size()));
            return view->bytes;
        }
        const std::string& weight = owner->second;
        const Nf4Names names(weight);
        const Parts& parts = m_parts.at(weight);
        if (spec.name == names.state) return std::as_bytes(std::span(parts.state));
        if (spec.name == names.nested_absmax) return std::as_bytes(std::span(parts.nested_absmax));
        if (spec.name == names.quant_map) return std::as_bytes(std::span(kernels::kNf4Values, 16));
        if (spec.name == names.nested_quant_map) {
            return std::as_bytes(std::span(kernels::dynamic_map(kernels::MapSign::Signed), 256));
        }
        if (m_quantized.name() != weight) {
            TRY_VOID(quantize(weight, m_request.files.find(weight)->shape));
        }
        if (spec.name == names.codes) return std::as_bytes(std::span(m_quantized.codes()));
        if (spec.dtype == TensorDtype::Float32) {
            return std::as_bytes(std::span(m_quantized.absmax()));
        }
        return std::as_bytes(std::span(m_quantized.absmax_codes()));
    }

  private:
    struct Parts {
        std::string state;
        std::vector<float> nested_absmax;
    };

    int64_t byte_count(const std::string& name) const {
        const TensorView* const view = m_request.files.find(name);
        return view == nullptr ? 0 : static_cast<int64_t>(view->bytes.size());
    }

    void add(const std::string& name, TensorDtype dtype, std::vector<int64_t> shape,
             const std::string& weight) {
        m_owner[name] = weight;
        m_specs.push_back({name, dtype, std::move(shape)});
    }

    Result<void> quantize(const std::string& name, const std::vector<int64_t>& shape) {
        TRY(view, m_request.files.require(name, shape));
        TRY_VOID(m_quantized.make(view, m_request.options));
        m_request.files.drop_pages(view);
        return advance(view.bytes.size());
    }

    Result<void> advance(size_t bytes) {
        m_done_bytes += static_cast<int64_t>(bytes);
        if (m_request.on_progress) m_request.on_progress(m_done_bytes, m_total_bytes);
        if (!m_request.stop.stop_requested()) return {};
        return Error{.code = ErrorCode::Cancelled, .message = "Quantizing was stopped."};
    }

    const Nf4WriteRequest& m_request;
    Quantized m_quantized;  // the weight at hand
    std::map<std::string, Parts> m_parts;
    std::map<std::string, std::string, std::less<>> m_owner;  // tensor -> weight
    std::vector<TensorSpec> m_specs;
    int64_t m_done_bytes = 0, m_total_bytes = 0;
};

}  // namespace

Result<void> write_nf4(const std::filesystem::path& path, const Nf4WriteRequest& request) {
    TRY_VOID(check_nf4_options(request.options));
    Writer writer(request);
    TRY_VOID(writer.declare());
    return write_safetensors_streamed(path, writer.specs(),
                                      [&](const TensorSpec& spec) { return writer.provide(spec); });
}

std::vector<WeightInfo> linear_weights(const WeightMap& map) {
    std::vector<WeightInfo> weights;
    for (const LinearInfo* const linear : map.linears()) {
        weights.push_back(
            {linear->module + ".weight", {linear->out_features, linear->in_features}});
    }
    return weights;
}

}  // namespace dayrun::core
