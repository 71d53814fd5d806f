// A source's rows as samples, block by block: reading and converting in one pass. Neighbours:
// readers/ and converters/ do the work, data_compiler filters and encodes. One reader per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/data/converters/converter.h"
#include "core/data/curate/reshape.h"
#include "core/data/data_source.h"
#include "core/data/readers/row_reader.h"
#include "core/data/sample.h"

namespace dayrun::core {

/// The reason under which a row that cannot be read stands in a DropReport.
inline constexpr const char* kBadRow = "bad row";

/// BadData when more of a source's rows are bad than its max_bad_rows allows: a file of the wrong
/// kind must not pass as a small one.
Result<void> check_bad_rows(const DataSource& source, int64_t rows_in, const DropReport& dropped);

/// Samples of a block for each core that works on it: their texts stay in its second-level cache,
/// which makes reading a quarter faster than with a thousand.
inline constexpr size_t kBlockSamples = 128;
/// What the texts of a block may take: with a few of them in work, memory does not depend on how
/// long the rows are.
inline constexpr size_t kMaxBlockBytes = size_t{16} << 20;

class SampleReader {
  public:
    explicit SampleReader(DataSource source);

    /// Appends up to `limit` samples, fewer where they are long (kMaxBlockBytes); false when the
    /// source has no more. BadData when no converter fits, when more rows are bad than max_bad_rows
    /// allows, or when the file itself is unusable.
    Result<bool> read(size_t limit, SampleBlock& samples);

    /// Name of the converter in use; "columns" for an edited mapping, "" before the first row.
    const std::string& converter_name() const { return m_converter_name; }
    const Converter* converter() const { return m_converter; }
    /// Samples, dropped ones and bad rows so far.
    int64_t rows_in() const { return m_rows_in; }
    int64_t bad_rows() const { return m_bad_rows; }
    /// Rows without an answer, and bad ones under their own reasons, with file and line.
    const DropReport& dropped() const { return m_dropped; }
    /// What was left out of samples that are used, by its kind, with file and line.
    const DropReport& shortened() const { return m_shortened; }
    /// Of all files, for progress.
    int64_t bytes_read() const;

  private:
    Result<bool> open_next_file();
    Result<void> choose_converter(const Value& row);
    Result<void> convert(SampleBlock& samples);
    void add_bad(const std::string& problem);

    DataSource m_source;
    size_t m_next_file = 0;
    std::unique_ptr<RowReader> m_rows;
    std::string m_file_stem;
    uint64_t m_name_hash = 0;  // of the source
    const Converter* m_converter = nullptr;
    std::string m_converter_name;
    bool m_is_by_columns = false;
    Reshape m_reshape;
    RawRow m_row;
    Converted m_converted;
    DropReport m_dropped, m_shortened;
    int64_t m_rows_in = 0;
    int64_t m_bad_rows = 0;
    int64_t m_row_in_file = 0;
    int64_t m_row_index = 0;
    int64_t m_finished_bytes = 0;
};

/// The id of a sample: from hash_text() of the source's name, the row's index and the sample's
/// place in the row.
uint64_t make_sample_id(uint64_t name_hash, uint64_t row_index, uint64_t part);

}  // namespace dayrun::core
