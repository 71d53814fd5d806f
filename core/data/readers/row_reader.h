// Rows of one file, in order, whatever its format: each as a Value, or as a sentence about what is
// wrong with it. Neighbours: record_splitter cuts text, read_samples converts rows. One thread
// each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/data/data_source.h"
#include "core/data/value.h"

namespace dayrun::core {

struct RawRow {
    Value value = {};
    int64_t line = 0;     // from 1; 0: the format has no lines
    int64_t offset = -1;  // of its bytes in the file; -1: unknown
    int64_t length = 0;
    std::string problem = {};  // not empty: a bad row, and why ("it is not JSON")

    /// Another row begins; `value` keeps its memory and, until it is filled, what was in it.
    void begin(int64_t at_line, int64_t at_offset, int64_t of_length) {
        line = at_line;
        offset = at_offset;
        length = of_length;
        problem.clear();
    }
    void fail(std::string why) {
        problem = std::move(why);
        value = {};
    }
};

class RowReader {
  public:
    virtual ~RowReader() = default;
    /// The next row, good or bad, into the memory of the one before; false at the end. An Error
    /// means the file itself is unusable.
    virtual Result<bool> next(RawRow& row) = 0;
    virtual int64_t file_bytes_read() const = 0;
    /// What stands beside the rows in a file that is one JSON object (a task's Definition, …).
    virtual const Value& header() const = 0;
};

/// Opens a file for reading; the first error of a damaged file comes here or from next().
Result<std::unique_ptr<RowReader>> open_rows(const SourceFile& file);

/// "train.jsonl:17" or "train.parquet, row 17": where a row stands, for messages.
std::string row_place(const SourceFile& file, const RawRow& row, int64_t row_number);

/// One record of the file's text as a row: what next() does with it, for the row browser. `names`
/// are the columns of a CSV.
class JsonParser;
void parse_json_row(JsonParser& parser, std::string_view text, RawRow& row);
void parse_csv_row(std::string_view text, char separator, const std::vector<std::string>& names,
                   RawRow& row);
/// The cells of one CSV record; a quoted cell may hold separators, breaks and doubled quotes.
/// `is_open` (out): its last quote has no end.
std::vector<std::string> csv_cells(std::string_view text, char separator, bool& is_open);
/// Names of a CSV's columns from its first record; `has_header` is false for MMLU's bare files.
std::vector<std::string> csv_names(std::string_view first_record, char separator, bool& has_header);

/// Parquet needs Arrow's libraries; a program without them (parquet/no_parquet.cpp) refuses it.
bool has_parquet_reader();
Result<std::unique_ptr<RowReader>> open_parquet_rows(const SourceFile& file);

}  // namespace dayrun::core
