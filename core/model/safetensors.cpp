// Dtypes of the format, and the mapped file behind SafetensorsFile.
#include "core/model/safetensors.h"

#include <array>
#include <unordered_map>
#include <utility>

#include "core/base/check.h"
#include "core/model/files/mapped_file.h"
#include "core/model/files/safetensors_header.h"

namespace dayrun::core {
namespace {

struct DtypeRow {
    TensorDtype dtype;
    std::string_view name;
    int64_t bits;
};

constexpr std::array kDtypes = {
    DtypeRow{TensorDtype::Float32, "F32", 32},
    DtypeRow{TensorDtype::BFloat16, "BF16", 16},
    DtypeRow{TensorDtype::Float16, "F16", 16},
    DtypeRow{TensorDtype::Float64, "F64", 64},
    DtypeRow{TensorDtype::Complex64, "C64", 64},
    DtypeRow{TensorDtype::UInt64, "U64", 64},
    DtypeRow{TensorDtype::Int64, "I64", 64},
    DtypeRow{TensorDtype::UInt32, "U32", 32},
    DtypeRow{TensorDtype::Int32, "I32", 32},
    DtypeRow{TensorDtype::UInt16, "U16", 16},
    DtypeRow{TensorDtype::Int16, "I16", 16},
    DtypeRow{TensorDtype::UInt8, "U8", 8},
    DtypeRow{TensorDtype::Int8, "I8", 8},
    DtypeRow{TensorDtype::Bool, "BOOL", 8},
    DtypeRow{TensorDtype::Float8E5M2, "F8_E5M2", 8},
    DtypeRow{TensorDtype::Float8E4M3, "F8_E4M3", 8},
    DtypeRow{TensorDtype::Float8E8M0, "F8_E8M0", 8},
    DtypeRow{TensorDtype::Float8E4M3Fnuz, "F8_E4M3FNUZ", 8},
    DtypeRow{TensorDtype::Float8E5M2Fnuz, "F8_E5M2FNUZ", 8},
    DtypeRow{TensorDtype::Float6E2M3, "F6_E2M3", 6},
    DtypeRow{TensorDtype::Float6E3M2, "F6_E3M2", 6},
    DtypeRow{TensorDtype::Float4, "F4", 4},
};

const DtypeRow& row_of(TensorDtype dtype) {
    for (const DtypeRow& row : kDtypes) {
        if (row.dtype == dtype) return row;
    }
    CHECK(false);
    return kDtypes[0];
}

class MappedSafetensors final : public SafetensorsFile {
  public:
    MappedSafetensors(std::filesystem::path path, MappedFile file, SafetensorsHeader header)
        : m_path(std::move(path)), m_file(std::move(file)), m_header(std::move(header)) {
        for (const TensorView& tensor : m_header.tensors) m_by_name[tensor.name] = &tensor;
    }

    const std::vector<TensorView>& tensors() const override { return m_header.tensors; }
    const std::map<std::string, std::string>& metadata() const override {
        return m_header.metadata;
    }
    const std::filesystem::path& path() const override { return m_path; }
    const FileStamp& stamp() const override { return m_file.stamp(); }
    void drop_pages(std::span<const std::byte> bytes) const override { m_file.drop(bytes); }
    void fault_in(std::span<const std::byte> bytes) const override { m_file.fault_in(bytes); }
    const TensorView* find(std::string_view name) const override {
        const auto found = m_by_name.find(name);
        return found == m_by_name.end() ? nullptr : found->second;
    }

  private:
    std::filesystem::path m_path;
    MappedFile m_file;
    SafetensorsHeader m_header;
    std::unordered_map<std::string_view, const TensorView*> m_by_name;
};

}  // namespace

std::string_view to_string(TensorDtype dtype) {
    return row_of(dtype).name;
}

std::optional<TensorDtype> tensor_dtype_of(std::string_view name) {
    for (const DtypeRow& row : kDtypes) {
        if (row.name == name) return row.dtype;
    }
    return std::nullopt;
}

int64_t dtype_bits(TensorDtype dtype) {
    return row_of(dtype).bits;
}

int64_t dtype_bytes(TensorDtype dtype) {
    return row_of(dtype).bits / 8;
}

int64_t TensorView::element_count() const {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    return count;
}

Result<std::unique_ptr<SafetensorsFile>> SafetensorsFile::open(const std::filesystem::path& path) {
    TRY(file, MappedFile::open(path));
    TRY(header, read_safetensors_header(file.bytes(), path));
    return std::make_unique<MappedSafetensors>(path, std::move(file), std::move(header));
}

}  // namespace dayrun::core
