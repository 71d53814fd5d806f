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

class SampleReader {
  public:
    explicit SampleReader(DataSource source);

    /// Appends up to `limit` samples; false when the source has no more. BadData when no converter
    /// fits, when more rows are bad than max_bad_rows allows, or when the file itself is unusable.
    Result<bool> read(size_t limit, std::vector<Sample>& samples);

    /// Name of the converter in use; "columns" for an edited mapping, "" before the first row.
    const std::string& converter_name() const { return m_converter_name; }
    const Converter* converter() const { return m_converter; }
    /// Samples, dropped ones and bad rows so far.
    int64_t rows_in() const { return m_rows_in; }
    int64_t bad_rows() const { return m_bad_rows; }
    /// Rows without an answer, and bad ones under their own reasons, with file and line.
    const DropReport& dropped() const { return m_dropped; }
    /// Of all files, for progress.
    int64_t bytes_read() const;

  private:
    Result<bool> open_next_file();
    Result<void> choose_converter(const Value& row);
    Result<void> convert(const RawRow& row, std::vector<Sample>& samples);
    void add_bad(const RawRow& row, const std::string& problem);

    DataSource m_source;
    size_t m_next_file = 0;
    std::unique_ptr<RowReader> m_rows;
    std::string m_file_stem;
    const Converter* m_converter = nullptr;
    std::string m_converter_name;
    bool m_is_by_columns = false;
    Reshape m_reshape;
    Converted m_converted;
    DropReport m_dropped;
    int64_t m_rows_in = 0;
    int64_t m_bad_rows = 0;
    int64_t m_row_in_file = 0;
    int64_t m_row_index = 0;
    int64_t m_finished_bytes = 0;
};

/// The id of a sample: from the source's name, the row's index and the sample's place in the row.
uint64_t make_sample_id(const std::string& source_name, uint64_t row_index, uint64_t part);

}  // namespace dayrun::core
