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
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_stamp.h"
#include "core/base/result.h"

namespace dayrun::core {

/// Every element type the format knows; Dayrun computes with the first three.
enum class TensorDtype {
    Float32,
    BFloat16,
    Float16,
    Float64,
    Complex64,
    UInt64,
    Int64,
    UInt32,
    Int32,
    UInt16,
    Int16,
    UInt8,
    Int8,
    Bool,
    Float8E5M2,
    Float8E4M3,
    Float8E8M0,
    Float8E4M3Fnuz,
    Float8E5M2Fnuz,
    Float6E2M3,
    Float6E3M2,
    Float4,
};
std::string_view to_string(TensorDtype dtype);  // "F32", "BF16", …
/// The type of a format name ("BF16"), or nothing.
std::optional<TensorDtype> tensor_dtype_of(std::string_view name);
int64_t dtype_bits(TensorDtype dtype);
/// Whole bytes of one element; 0 for the types smaller than a byte.
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
    /// The file's state when it was opened.
    virtual const FileStamp& stamp() const = 0;
    /// Lets the system forget the pages of bytes that were read and are not needed again.
    virtual void drop_pages(std::span<const std::byte> bytes) const = 0;
    /// Reads bytes into memory now; see MappedFile.
    virtual void fault_in(std::span<const std::byte> bytes) const = 0;
    /// Null when there is no such tensor.
    virtual const TensorView* find(std::string_view name) const = 0;
};

/// All tensors of a model folder: model.safetensors, or the shards of its index, checked against
/// it. A tensor that two shards hold, one the index names but no shard holds, a missing shard, and
/// folders that hold pickled weights only are errors.
class CheckpointFiles {
  public:
    static Result<CheckpointFiles> open(const std::filesystem::path& folder);

    const TensorView* find(std::string_view name) const;
    /// Like find, but BadModel names the tensor, the folder, and what was expected.
    Result<TensorView> require(std::string_view name, const std::vector<int64_t>& shape) const;
    const std::vector<std::unique_ptr<SafetensorsFile>>& files() const { return m_files; }
    /// SafetensorsFile::drop_pages of the file that holds the tensor.
    void drop_pages(const TensorView& tensor) const;
    /// Bytes of all tensors together.
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

/// What a streamed tensor will be; its bytes come later.
struct TensorSpec {
    std::string name;
    TensorDtype dtype = TensorDtype::Float32;
    std::vector<int64_t> shape;
};

/// Gives the bytes of one tensor; they must stay valid until the next call.
using ProvideTensor = std::function<Result<std::span<const std::byte>>(const TensorSpec&)>;

/// Writes a file whose tensors are made one after the other, so that only one of them has to be in
/// memory. `provide` is called once per tensor in the order of the file. Atomic.
Result<void> write_safetensors_streamed(const std::filesystem::path& path,
                                        std::vector<TensorSpec> specs, const ProvideTensor& provide,
                                        const std::map<std::string, std::string>& metadata = {
                                            {"format", "pt"}});

/// Writes a file as the reference library orders it (dtype by alignment, then name), atomically.
Result<void> write_safetensors(const std::filesystem::path& path,
                               const std::vector<TensorToWrite>& tensors,
                               const std::map<std::string, std::string>& metadata = {
                                   {"format", "pt"}});

}  // namespace dayrun::core
