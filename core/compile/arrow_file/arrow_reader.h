// Reads a memory-mapped Arrow IPC file of the columns of arrow_column.h, whoever wrote it. Nothing
// in the file is trusted: flatbuffers' verifier looks at the metadata, and every place, length and
// list border is checked before open() returns. Whether the values are those that were written is
// for who wrote them to know: checksum() helps. Read-only and shared: any thread. Neighbours:
// arrow_writer.h, cache/token_cache.cpp.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <utility>

#include "core/base/result.h"
#include "core/compile/arrow_file/arrow_column.h"

namespace dayrun::core {

class ArrowFile {
  public:
    /// FileMissing when it cannot be opened; FileDamaged, with `detail`, when it is no whole Arrow
    /// file, or has nulls, compression or other columns than these files have.
    static Result<std::shared_ptr<const ArrowFile>> open(const std::filesystem::path& path);

    const ArrowColumns& columns() const { return m_columns; }
    /// The footer's word under this key, or nothing.
    std::string metadata(std::string_view key) const;
    /// Whether this very file lies at `path`, and not another that has taken its place.
    bool is_at(const std::filesystem::path& path) const;

    size_t batch_count() const { return m_batches.size(); }
    int64_t row_count(size_t batch) const { return m_batches[batch].rows; }
    /// Of all numbers of a batch and the borders of its lists, which open() has walked anyway; the
    /// numbers inside the lists are not read.
    uint64_t checksum(size_t batch) const;

    /// One number a row, in the mapped file. `Number` is the column's.
    template <typename Number>
    std::span<const Number> numbers(size_t batch, size_t column) const {
        const Batch& from = m_batches[batch];
        return {static_cast<const Number*>(from.columns[column].values),
                static_cast<size_t>(from.rows)};
    }
    /// A row's list, in the mapped file; empty when the borders have moved since open(), as they do
    /// in a file that is written over.
    template <typename Number>
    std::span<const Number> list(size_t batch, size_t column, int64_t row) const {
        const Place& from = m_batches[batch].columns[column];
        const int32_t begin = from.borders[row], end = from.borders[row + 1];
        if (begin < 0 || end < begin || end > from.count) return {};
        return {static_cast<const Number*>(from.values) + begin, static_cast<size_t>(end - begin)};
    }

  private:
    friend class ArrowChecker;
    struct Place {
        const void* values = nullptr;
        int64_t count = 0;                 // of the values
        const int32_t* borders = nullptr;  // rows + 1 of a list column
    };
    struct Batch {
        int64_t rows = 0;
        std::vector<Place> columns;
    };
    struct Unmap {
        size_t size;
        void operator()(const char* bytes) const;
    };

    std::unique_ptr<const char, Unmap> m_bytes;
    uint64_t m_device = 0, m_inode = 0;
    ArrowColumns m_columns;
    std::vector<std::pair<std::string, std::string>> m_metadata;
    std::vector<Batch> m_batches;
};

}  // namespace dayrun::core
