// Writes an Arrow IPC file (the format's "file", version V5, uncompressed) batch by batch, which
// any Arrow library reads. Neighbours: arrow_reader.h, cache/token_cache.cpp. One thread. Why not
// Arrow's own writer: its libraries are 62 MB, and this is all that Dayrun writes of the format.
#pragma once

#include <bit>
#include <cstring>
#include <filesystem>
#include <span>
#include <utility>

#include "core/base/result.h"
#include "core/compile/arrow_file/arrow_column.h"

namespace dayrun::core {

/// Rows that are not in a file yet. Every column gets one value, or one list, a row.
class ArrowBatch {
  public:
    explicit ArrowBatch(const ArrowColumns& columns);

    template <typename Number>
    void add(size_t column, Number value) {
        append(m_columns[column], &value, sizeof value);
    }
    template <typename Number>
    void add_list(size_t column, std::span<const Number> values) {
        Column& to = m_columns[column];
        append(to, values.data(), values.size_bytes());
        to.ends.push_back(to.ends.back() + static_cast<int32_t>(values.size()));
    }
    /// Called when each column has its value.
    void end_row() { ++m_rows; }

    int64_t rows() const { return m_rows; }
    /// Of all but the numbers inside lists, as ArrowFile::checksum() finds it in the file.
    uint64_t checksum() const;
    void clear();

  private:
    friend class ArrowWriter;
    struct Column {
        ArrowKind kind;
        std::vector<char> bytes;    // of the numbers
        std::vector<int32_t> ends;  // of a list column: 0, then where each row's list ends
    };
    static void append(Column& column, const void* values, size_t bytes) {
        const char* const from = static_cast<const char*>(values);
        column.bytes.insert(column.bytes.end(), from, from + bytes);
    }

    std::vector<Column> m_columns;
    int64_t m_rows = 0;
};

/// A failed write is DiskFull; `detail` has the system's words.
class ArrowWriter {
  public:
    /// Begins the file; one that is there is overwritten.
    static Result<ArrowWriter> create(const std::filesystem::path& path, ArrowColumns columns);
    ArrowWriter(ArrowWriter&& other) noexcept;
    ArrowWriter& operator=(ArrowWriter&&) = delete;
    ~ArrowWriter();

    Result<void> write(const ArrowBatch& batch);
    /// Writes the footer with words of the caller's, and brings the file to the disk.
    Result<void> finish(const std::vector<std::pair<std::string, std::string>>& metadata);

  private:
    struct Block {
        int64_t offset;
        int32_t metadata_length;
        int64_t body_length;
    };
    ArrowWriter(std::filesystem::path path, ArrowColumns columns, int descriptor);
    Result<void> put(const void* bytes, size_t count);
    Result<void> pad();
    Result<void> put_message(const uint8_t* metadata, size_t size);
    Result<void> put_schema();

    std::filesystem::path m_path;
    ArrowColumns m_columns;
    int m_descriptor = -1;
    int64_t m_written = 0;
    std::vector<Block> m_blocks;
};

static_assert(std::endian::native == std::endian::little, "the format's numbers are little-endian");

}  // namespace dayrun::core
