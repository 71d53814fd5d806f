// The reader rules of safetensors, one function each, in the order in which they are checked.
#include "core/model/files/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/units.h"
#include "core/model/config/strict_json.h"

namespace dayrun::core {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxDimensions = 16;

Error damaged(const std::filesystem::path& path, const std::string& reason) {
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("'{}' is damaged or not a safetensors file: {}.", path.string(),
                                   reason),
            .hint = "Download or copy it again; a cut transfer is the usual cause."};
}

/// The header's text, after the checks on the file's and the header's length.
Result<std::string_view> header_text(std::span<const std::byte> file,
                                     const std::filesystem::path& path) {
    if (file.empty()) return damaged(path, "it is empty");
    if (file.size() < kLengthBytes) {
        return damaged(path, fmt::format("it has only {} bytes", file.size()));
    }
    uint64_t length = 0;
    std::memcpy(&length, file.data(), kLengthBytes);
    if (length > kMaxHeaderBytes) {
        return damaged(path, fmt::format("its header claims {} bytes", length));
    }
    if (length > file.size() - kLengthBytes) {
        return damaged(path, fmt::format("its header claims {} bytes, but the file ends after {}",
                                         length, file.size()));
    }
    const auto* const text = reinterpret_cast<const char*>(file.data()) + kLengthBytes;
    return std::string_view(text, length);
}

/// A whole number of the header that fits int64, else nothing.
std::optional<int64_t> whole_number(const nlohmann::json& value) {
    if (value.is_number_unsigned()) {
        const auto number = value.get<uint64_t>();
        if (number <= static_cast<uint64_t>(INT64_MAX)) return static_cast<int64_t>(number);
    }
    return std::nullopt;
}

/// shape -> bits / 8 with overflow checks; nothing when it overflows or is no whole byte.
std::optional<int64_t> byte_count(const std::vector<int64_t>& shape, TensorDtype dtype) {
    int64_t bits = dtype_bits(dtype);
    // A zero anywhere makes the tensor empty, whatever the other sizes would overflow to.
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
    for (const int64_t size : shape) {
        if (__builtin_mul_overflow(bits, size, &bits)) return std::nullopt;
    }
    if (bits % 8 != 0) return std::nullopt;
    return bits / 8;
}

struct Entry {
    TensorView tensor;
    int64_t begin = 0;
    int64_t end = 0;
};

Result<Entry> read_entry(const std::string& name, const nlohmann::json& value,
                         const std::filesystem::path& path) {
    const auto bad = [&](std::string_view reason) {
        return damaged(path, fmt::format("tensor '{}' {}", name, reason));
    };
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value.contains("shape") || !value.contains("data_offsets")) {
        return bad("is not described by dtype, shape and data_offsets");
    }
    Entry entry;
    entry.tensor.name = name;
    const auto& dtype = value["dtype"];
    const auto known =
        dtype.is_string() ? tensor_dtype_of(dtype.get_ref<const std::string&>()) : std::nullopt;
    if (!known) return bad(fmt::format("has the unknown dtype {}", dtype.dump()));
    entry.tensor.dtype = *known;
    const auto& shape = value["shape"];
    if (!shape.is_array() || shape.size() > kMaxDimensions) return bad("has no usable shape");
    for (const auto& size : shape) {
        const auto number = whole_number(size);
        if (!number) return bad("has a shape that is not whole numbers");
        entry.tensor.shape.push_back(*number);
    }
    const auto& offsets = value["data_offsets"];
    const bool is_pair = offsets.is_array() && offsets.size() == 2;
    const auto begin = is_pair ? whole_number(offsets[0]) : std::nullopt;
    const auto end = is_pair ? whole_number(offsets[1]) : std::nullopt;
    if (!begin || !end || *end < *begin) return bad("has no usable data_offsets");
    const auto bytes = byte_count(entry.tensor.shape, entry.tensor.dtype);
    if (!bytes || *bytes != *end - *begin) {
        return bad(
            fmt::format("has {} bytes, which its shape and dtype do not need", *end - *begin));
    }
    entry.begin = *begin;
    entry.end = *end;
    return entry;
}

/// No holes, no overlap, nothing behind the last tensor.
Result<void> check_layout(const std::vector<Entry>& entries, size_t data_bytes,
                          const std::filesystem::path& path) {
    int64_t expected = 0;
    for (const Entry& entry : entries) {
        if (entry.begin != expected) {
            return damaged(path, fmt::format("tensor '{}' begins at byte {} of the data instead "
                                             "of {}",
                                             entry.tensor.name, entry.begin, expected));
        }
        expected = entry.end;
    }
    const auto claimed = static_cast<uint64_t>(expected);
    if (claimed > data_bytes) {
        return damaged(path, fmt::format("its tensors need {} of data, but only {} follow the "
                                         "header",
                                         format_bytes(expected),
                                         format_bytes(static_cast<int64_t>(data_bytes))));
    }
    if (claimed < data_bytes) {
        return damaged(path, fmt::format("{} bytes follow its last tensor", data_bytes - claimed));
    }
    return {};
}

Result<void> read_metadata(const nlohmann::json& value, const std::filesystem::path& path,
                           std::map<std::string, std::string>& metadata) {
    if (!value.is_object()) return damaged(path, "its __metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) {
            return damaged(path, fmt::format("its metadata '{}' is not a text", key));
        }
        metadata[key] = text.get<std::string>();
    }
    return {};
}

}  // namespace

Result<SafetensorsHeader> read_safetensors_header(std::span<const std::byte> file,
                                                  const std::filesystem::path& path) {
    TRY(text, header_text(file, path));
    TRY(json, parse_json_object(text, path, "a safetensors file"));

    SafetensorsHeader header;
    std::vector<Entry> entries;
    entries.reserve(json.size());
    for (const auto& [name, value] : json.items()) {
        if (name == "__metadata__") {
            TRY_VOID(read_metadata(value, path, header.metadata));
            continue;
        }
        TRY(entry, read_entry(name, value, path));
        entries.push_back(std::move(entry));
    }
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    const auto data = file.subspan(kLengthBytes + text.size());
    TRY_VOID(check_layout(entries, data.size(), path));
    header.tensors.reserve(entries.size());
    for (Entry& entry : entries) {
        entry.tensor.bytes = data.subspan(static_cast<size_t>(entry.begin),
                                          static_cast<size_t>(entry.end - entry.begin));
        header.tensors.push_back(std::move(entry.tensor));
    }
    return header;
}

}  // namespace dayrun::core
