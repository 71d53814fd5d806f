// A file's bytes from front to back, unpacked on the way. Neighbours: the readers of this folder.
// One stream per thread.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/result.h"
#include "core/data/data_source.h"

namespace dayrun::core {

class ByteStream {
  public:
    virtual ~ByteStream() = default;
    /// Fills `out` with up to `size` bytes; 0 at the end. FileDamaged when packed bytes are wrong.
    virtual Result<size_t> read(char* out, size_t size) = 0;
    /// Bytes of the file itself taken so far, for a progress bar.
    virtual int64_t file_bytes_read() const = 0;
};

Result<std::unique_ptr<ByteStream>> open_bytes(const SourceFile& file);

}  // namespace dayrun::core
