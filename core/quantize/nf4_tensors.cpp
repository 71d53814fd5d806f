// Body of nf4_tensors.h.
#include "core/quantize/nf4_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/units.h"
#include "core/model/config/config_fields.h"
#include "core/model/config/strict_json.h"

namespace dayrun::core {
namespace {

constexpr IntRange kBlockSizes{32, 4096};
constexpr IntRange kSizes{1, int64_t{1} << 32};

std::string_view dtype_word(TensorDtype dtype) {
    if (dtype == TensorDtype::BFloat16) return "bfloat16";
    return dtype == TensorDtype::Float16 ? "float16" : "float32";
}

Error bad(std::string_view weight, std::string_view what) {
    return {.code = ErrorCode::BadModel,
            .message = fmt::format("The 4-bit weight '{}' {}.", weight, what),
            .hint = "Get the checkpoint again, or quantize the model's 16-bit weights."};
}

Result<Nf4State> read_state(const TensorView& view, std::string_view weight) {
    const std::string_view text(reinterpret_cast<const char*>(view.bytes.data()),
                                view.bytes.size());
    TRY(json, parse_json_object(text, std::string(view.name), "the state of a 4-bit weight"));
    ConfigFields fields(json, view.name);
    Nf4State state;
    if (fields.text("quant_type", "") != "nf4") return bad(weight, "is not of the type nf4");
    state.block_size = fields.required_int("blocksize", kBlockSizes);
    const std::string dtype = fields.text("dtype", "float32");
    if (dtype == "bfloat16") state.dtype = TensorDtype::BFloat16;
    if (dtype == "float16") state.dtype = TensorDtype::Float16;
    const nlohmann::json& shape = fields.raw("shape");
    for (const auto& extent : shape.is_array() ? shape : nlohmann::json::array()) {
        const bool is_size = extent.is_number_unsigned() && extent.get<uint64_t>() > 0 &&
                             extent.get<uint64_t>() <= static_cast<uint64_t>(kSizes.high);
        if (!is_size) return bad(weight, "gives no usable shape");
        state.shape.push_back(extent.get<int64_t>());
    }
    state.is_nested = fields.has("nested_blocksize");
    if (state.is_nested) {
        state.nested_block_size = fields.required_int("nested_blocksize", kSizes);
        const nlohmann::json& offset = fields.raw("nested_offset");
        if (!offset.is_number()) return bad(weight, "gives no nested_offset");
        state.nested_offset = offset.get<float>();
        if (!std::isfinite(state.nested_offset)) return bad(weight, "gives no nested_offset");
    }
    if (fields.failed()) return fields.error();
    if (!std::has_single_bit(static_cast<uint64_t>(state.block_size))) {
        return bad(weight, fmt::format("has blocks of {}", state.block_size));
    }
    return state;
}

/// Finds the parts of one weight and checks their sizes.
class Reader {
  public:
    Reader(const FindTensor& find, std::string_view weight, Nf4Tensor& tensor)
        : m_find(find), m_weight(weight), m_tensor(tensor) {}

    Result<const std::byte*> bytes(const std::string& name, int64_t size) {
        const TensorView* const view = m_find(name);
        if (view == nullptr) return bad(m_weight, fmt::format("lacks its tensor '{}'", name));
        if (static_cast<int64_t>(view->bytes.size()) != size) {
            return bad(m_weight, fmt::format("has {} bytes in '{}' where {} belong",
                                             view->bytes.size(), name, size));
        }
        m_tensor.bytes += size;
        return view->bytes.data();
    }
    Result<const float*> floats(const std::string& name, int64_t count) {
        TRY(data, bytes(name, count * 4));
        if (reinterpret_cast<uintptr_t>(data) % alignof(float) == 0) {
            return reinterpret_cast<const float*>(data);
        }
        auto& copy = m_tensor.realigned.emplace_back(static_cast<size_t>(count));
        std::memcpy(copy.data(), data, static_cast<size_t>(count) * 4);
        return static_cast<const float*>(copy.data());
    }

  private:
    const FindTensor& m_find;
    std::string_view m_weight;
    Nf4Tensor& m_tensor;
};

bool is_nf4_book(const float* map) {
    for (int i = 0; i < 16; ++i) {
        if (!(std::abs(map[i] - kernels::kNf4Values[i]) <= 1e-6F)) return false;
    }
    return true;
}

}  // namespace

Result<void> check_nf4_options(const Nf4Options& options) {
    const auto size = static_cast<uint64_t>(options.block_size);
    if (options.block_size >= kBlockSizes.low && options.block_size <= kBlockSizes.high &&
        std::has_single_bit(size)) {
        return {};
    }
    return Error{.code = ErrorCode::BadRecipe,
                 .message = fmt::format("quantization.block_size is {}, which NF4 does not have.",
                                        options.block_size),
                 .hint = "Use 32, 64, 128, 256, 512, 1024, 2048 or 4096."};
}

Nf4Names::Nf4Names(std::string_view weight)
    : codes(weight),
      absmax(codes + ".absmax"),
      quant_map(codes + ".quant_map"),
      nested_absmax(codes + ".nested_absmax"),
      nested_quant_map(codes + ".nested_quant_map"),
      state(codes + ".quant_state.bitsandbytes__nf4") {}

std::string to_json(const Nf4State& state) {
    std::string text = fmt::format(
        "{{\"quant_type\": \"nf4\", \"blocksize\": {}, \"dtype\": \"{}\", \"shape\": [{}]",
        state.block_size, dtype_word(state.dtype), fmt::join(state.shape, ", "));
    if (state.is_nested) {
        text += fmt::format(
            ", \"nested_blocksize\": {}, \"nested_dtype\": \"float32\", \"nested_offset\": {}",
            state.nested_block_size, shortest(double{state.nested_offset}));
    }
    return text + "}";
}

bool is_nf4_tensor(const FindTensor& find, std::string_view weight) {
    return find(Nf4Names(weight).state) != nullptr;
}

Result<Nf4Tensor> read_nf4_tensor(const FindTensor& find, std::string_view weight,
                                  const std::vector<int64_t>& shape) {
    const Nf4Names names(weight);
    const TensorView* const state = find(names.state);
    if (state == nullptr) return bad(weight, fmt::format("lacks its tensor '{}'", names.state));
    Nf4Tensor tensor;
    TRY(read, read_state(*state, weight));
    tensor.state = std::move(read);
    if (tensor.state.shape != shape) {
        return bad(weight,
                   fmt::format("has the shape [{}], but config.json asks for [{}]",
                               fmt::join(tensor.state.shape, ", "), fmt::join(shape, ", ")));
    }
    CHECK(shape.size() == 2);
    kernels::Nf4Weight& w = tensor.weight;
    w.rows = shape[0];
    w.cols = shape[1];
    w.block_size = tensor.state.block_size;
    const int64_t count = w.rows * w.cols;
    const int64_t blocks = kernels::nf4_block_count(count, w.block_size);
    Reader reader(find, weight, tensor);
    // The bytes count, whatever type they are stored under (bnb_4bit_quant_storage).
    TRY(codes, reader.bytes(names.codes, kernels::nf4_code_bytes(count)));
    w.codes = reinterpret_cast<const uint8_t*>(codes);
    TRY(book, reader.floats(names.quant_map, 16));
    if (!is_nf4_book(book)) return bad(weight, "has another code book than NF4's");
    if (!tensor.state.is_nested) {
        TRY(absmax, reader.floats(names.absmax, blocks));
        w.absmax = absmax;
        return tensor;
    }
    w.nested_block_size = tensor.state.nested_block_size;
    w.absmax_offset = tensor.state.nested_offset;
    TRY(absmax_codes, reader.bytes(names.absmax, blocks));
    w.absmax_codes = reinterpret_cast<const uint8_t*>(absmax_codes);
    TRY(nested, reader.floats(names.nested_absmax,
                              (blocks + w.nested_block_size - 1) / w.nested_block_size));
    w.nested_absmax = nested;
    TRY(map, reader.floats(names.nested_quant_map, 256));
    w.nested_map = map;
    return tensor;
}

void dequantize(const Nf4Tensor& tensor, std::span<float> out) {
    CHECK(static_cast<int64_t>(out.size()) == tensor.weight.rows * tensor.weight.cols);
    kernels::nf4_dequantize({.out = out.data(),
                             .weight = tensor.weight,
                             .row_begin = 0,
                             .row_end = tensor.weight.rows});
}

}  // namespace dayrun::core
