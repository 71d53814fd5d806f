// Writing side of safetensors.h: order, padding and header of the reference library.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/base/atomic_file.h"
#include "core/base/check.h"
#include "core/model/safetensors.h"

namespace dayrun::core {
namespace {

/// Larger alignments first, so that with an 8-aligned start every tensor is aligned to its type.
int write_order(TensorDtype dtype) {
    using enum TensorDtype;
    constexpr std::array kOrder = {
        UInt64,         Int64,      Float64,    Complex64,  Float32, UInt32,
        Int32,          BFloat16,   Float16,    UInt16,     Int16,   Float8E5M2Fnuz,
        Float8E4M3Fnuz, Float8E8M0, Float8E4M3, Float8E5M2, Int8,    UInt8,
        Float6E3M2,     Float6E2M3, Float4,     Bool};
    return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), dtype) - kOrder.begin());
}

int64_t tensor_bytes(const TensorSpec& spec) {
    int64_t bits = dtype_bits(spec.dtype);
    for (const int64_t size : spec.shape) bits *= size;
    return bits / 8;
}

std::string header_of(const std::vector<TensorSpec>& specs,
                      const std::map<std::string, std::string>& metadata) {
    int64_t offset = 0;
    std::string text = metadata.empty()
                           ? "{"
                           : fmt::format("{{\"__metadata__\":{}", nlohmann::json(metadata).dump());
    for (const TensorSpec& spec : specs) {
        const int64_t end = offset + tensor_bytes(spec);
        nlohmann::ordered_json entry;
        entry["dtype"] = to_string(spec.dtype);
        entry["shape"] = spec.shape;
        entry["data_offsets"] = {offset, end};
        if (text.size() > 1) text += ',';
        text += nlohmann::json(spec.name).dump() + ':' + entry.dump();
        offset = end;
    }
    text += '}';
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

}  // namespace

Result<void> write_safetensors_streamed(const std::filesystem::path& path,
                                        std::vector<TensorSpec> specs, const ProvideTensor& provide,
                                        const std::map<std::string, std::string>& metadata) {
    std::sort(specs.begin(), specs.end(), [](const TensorSpec& a, const TensorSpec& b) {
        return std::pair(write_order(a.dtype), std::string_view(a.name)) <
               std::pair(write_order(b.dtype), std::string_view(b.name));
    });
    std::unordered_set<std::string_view> names;
    for (const TensorSpec& spec : specs) CHECK(names.insert(spec.name).second);

    const std::string header = header_of(specs, metadata);
    const uint64_t length = header.size();
    TRY(file, AtomicFile::create(path));
    TRY_VOID(file.write(std::as_bytes(std::span(&length, 1))));
    TRY_VOID(file.write(header));
    for (const TensorSpec& spec : specs) {
        TRY(bytes, provide(spec));
        CHECK(static_cast<int64_t>(bytes.size()) == tensor_bytes(spec));
        TRY_VOID(file.write(bytes));
    }
    return file.commit();
}

Result<void> write_safetensors(const std::filesystem::path& path,
                               const std::vector<TensorToWrite>& tensors,
                               const std::map<std::string, std::string>& metadata) {
    std::map<std::string_view, std::span<const std::byte>> bytes;
    std::vector<TensorSpec> specs;
    for (const TensorToWrite& tensor : tensors) {
        bytes[tensor.name] = tensor.bytes;
        specs.push_back({tensor.name, tensor.dtype, tensor.shape});
    }
    const auto provide = [&](const TensorSpec& spec) -> Result<std::span<const std::byte>> {
        return bytes.at(spec.name);
    };
    return write_safetensors_streamed(path, std::move(specs), provide, metadata);
}

}  // namespace dayrun::core
