// Cuts a stream of text into records: lines, elements of a JSON array, CSV records, documents of a
// text file. It knows where each one starts, so that the readers can name lines and the row browser
// can come back to a row by its offset. Memory: one block and the longest record. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/data/readers/byte_stream.h"
#include "core/data/text.h"

namespace dayrun::core {

/// Rows above this are refused one by one; no instruction row is that long, a broken file is.
inline constexpr int64_t kMaxRowBytes = int64_t{8} << 20;
/// A text file's document is cut at the first line break behind this size.
inline constexpr int64_t kTextPartBytes = int64_t{1} << 20;

/// Readable bytes behind a record: what simdjson wants.
inline constexpr size_t kTextPadding = 64;

enum class RecordKind { Line, ArrayElement, CsvRecord, TsvRecord, TextDocument };

struct Record {
    std::string_view text;   // until the next call; without its line break or comma
    int64_t line = 0;        // where it starts, from 1
    int64_t offset = 0;      // of its first byte in the unpacked file
    int64_t length = 0;      // bytes, also of a record that is too long to hold
    bool is_padded = false;  // kTextPadding bytes behind `text` may be read
    Utf8 utf8 = Utf8::Unchecked;
    bool is_too_long = false;
};

class RecordSplitter {
  public:
    RecordSplitter(std::unique_ptr<ByteStream> bytes, RecordKind kind, std::string file);

    /// The next record that is not blank; false at the end. FileDamaged when a JSON array has no
    /// end or is followed by more.
    Result<bool> next(Record& record);
    int64_t file_bytes_read() const { return m_bytes->file_bytes_read(); }

  private:
    Result<bool> next_raw(Record& record);
    Result<bool> open_array();
    Result<void> close_array();
    std::string_view rest() const { return {m_buffer.get() + m_begin, m_end - m_begin}; }
    bool find_end(size_t& end, size_t& next);
    bool find_element_end(size_t& end, size_t& next);
    bool find_document_end(size_t& end, size_t& next);
    bool find_csv_end(char separator, size_t& end, size_t& next);
    Result<bool> fill();
    void check_utf8();
    void make_room();
    void drop_front(size_t count);
    Error damaged(const std::string& what) const;

    std::unique_ptr<ByteStream> m_bytes;
    RecordKind m_kind;
    std::string m_file;
    std::unique_ptr<char[]> m_buffer;  // not initialised behind m_end
    size_t m_capacity = 0;             // of the buffer, less kTextPadding
    size_t m_begin = 0, m_end = 0;     // rest(); fill() makes room of what lies before it
    size_t m_checked = 0;              // the buffer's lines before it are valid UTF-8
    size_t m_scan = 0;                 // rest()[0, m_scan) holds no end of a record
    size_t m_consumed = 0;             // bytes of rest() that the last record used
    std::string m_last_text;           // the array's last element, while what follows it is checked
    int64_t m_front_offset = 0;        // file offset of rest()[0]
    int64_t m_front_line = 1;          // its line
    bool m_is_at_end = false;          // the stream has no more
    bool m_can_quote = false;          // in a CSV record: a quote here is one, and not text
    bool m_in_quotes = false, m_is_escaped = false, m_is_open = false, m_is_closed = false;
    int m_depth = 0;
};

}  // namespace dayrun::core
