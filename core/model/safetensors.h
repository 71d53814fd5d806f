// safetensors files: a strict memory-mapped reader (all rules of the format's reference reader) and
// an atomic writer; sharded checkpoints by index. Reading is thread-safe after open.
// Source: the format's published description; duplicate names, holes and trailing bytes are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

enum class TensorDtype { Float32, BFloat16, Float16, Float64, Int64, Int32, Int16, Int8, UInt8, Bool };
std::string_view to_string(TensorDtype dtype);   // "F32", "BF16", …
int64_t dtype_bytes(TensorDtype dtype);

/// A tensor inside a mapped file; the bytes live as long as the file object. They need not be
/// aligned to their type: copy, do not reinterpret.
struct TensorView {
    std::string name;
    TensorDtype dtype = TensorDtype::Float32;
    std::vector<int64_t> shape;
    std::span<const std::byte> bytes;
    int64_t element_count() const;
};

class SafetensorsFile {
  public:
    static Result<std::unique_ptr<SafetensorsFile>> open(const std::filesystem::path& path);
    virtual ~SafetensorsFile() = default;

    /// Tensors in file order (rising offset), so that a reader walks the file once.
    virtual const std::vector<TensorView>& tensors() const = 0;
    virtual const std::map<std::string, std::string>& metadata() const = 0;
    virtual const std::filesystem::path& path() const = 0;
    /// Null when there is no such tensor.
    const TensorView* find(std::string_view name) const;
};

/// All tensors of a model folder: model.safetensors, or the shards of its index, checked against it.
class CheckpointFiles {
  public:
    static Result<CheckpointFiles> open(const std::filesystem::path& folder);

    const TensorView* find(std::string_view name) const;
    /// Like find, but BadModel names the tensor, the folder, and what was expected.
    Result<TensorView> require(std::string_view name, const std::vector<int64_t>& shape) const;
    const std::vector<std::unique_ptr<SafetensorsFile>>& files() const { return m_files; }
    int64_t total_bytes() const;

  private:
    std::vector<std::unique_ptr<SafetensorsFile>> m_files;
    std::map<std::string, const TensorView*, std::less<>> m_by_name;
    std::filesystem::path m_folder;
};

/// A tensor to write; `bytes` is row-major little-endian and must stay valid during the call.
struct TensorToWrite {
    std::string name;
    TensorDtype dtype = TensorDtype::Float32;
    std::vector<int64_t> shape;
    std::span<const std::byte> bytes;
};

/// Writes a file as the reference library orders it (dtype by alignment, then name), atomically.
Result<void> write_safetensors(const std::filesystem::path& path, std::vector<TensorToWrite> tensors,
                               const std::map<std::string, std::string>& metadata = {
                                   {"format", "pt"}});

}  // namespace dayrun::core
