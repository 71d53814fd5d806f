// The readers of text formats over RecordSplitter: JSON lines, JSON arrays, JSON objects with one
// array of rows inside, CSV and TSV (RFC 4180, so that a bad record names its line and the others
// go on), plain text. Neighbour: parquet_reader.cpp.
#include "core/data/readers/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/units.h"
#include "core/data/readers/json_value.h"
#include "core/data/readers/record_splitter.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

const Value kNoHeader;
constexpr int64_t kMaxObjectBytes = int64_t{512} << 20;

std::string too_long(int64_t length) {
    return fmt::format("the row is {} long, more than the {} a row may have", format_bytes(length),
                       format_bytes(kMaxRowBytes));
}

/// A row is an object; a list is one too for sets that publish rows as lists.
void check_json_row(const Error* refusal, RawRow& row) {
    if (refusal != nullptr) {
        row.fail(refusal->message);
    } else if (!row.value.is_object() && !row.value.is_array()) {
        row.fail(fmt::format("it is {}, not an object", with_article(row.value.type_name())));
    }
}

/// Lines and array elements.
class JsonRowReader : public RowReader {
  public:
    explicit JsonRowReader(RecordSplitter splitter) : m_splitter(std::move(splitter)) {}

    Result<bool> next(RawRow& row) override {
        Record record;
        TRY(has_record, m_splitter.next(record));
        if (!has_record) return false;
        row.begin(record.line, record.offset, record.length);
        if (record.is_too_long) {
            row.fail(too_long(record.length));
        } else if (record.is_padded) {
            const auto parsed = m_parser.parse_padded(record.text, record.utf8, row.value);
            check_json_row(parsed.ok() ? nullptr : &parsed.error(), row);
        } else {
            parse_json_row(m_parser, record.text, row);
        }
        return true;
    }
    int64_t file_bytes_read() const override { return m_splitter.file_bytes_read(); }
    const Value& header() const override { return kNoHeader; }

  private:
    RecordSplitter m_splitter;
    JsonParser m_parser;
};

class CsvRowReader : public RowReader {
  public:
    CsvRowReader(RecordSplitter splitter, char separator)
        : m_splitter(std::move(splitter)), m_separator(separator) {}

    Result<bool> next(RawRow& row) override {
        Record record;
        TRY(has_record, m_splitter.next(record));
        if (!has_record) return false;
        if (m_names.empty() && !record.is_too_long) {
            bool has_header = true;
            m_names = csv_names(record.text, m_separator, has_header);
            if (has_header) return next(row);
        }
        row.begin(record.line, record.offset, record.length);
        if (record.is_too_long) {
            row.fail(too_long(record.length) + "; a quote may not be closed");
        } else {
            parse_csv_row(record.text, m_separator, m_names, row);
        }
        return true;
    }
    int64_t file_bytes_read() const override { return m_splitter.file_bytes_read(); }
    const Value& header() const override { return kNoHeader; }

  private:
    RecordSplitter m_splitter;
    char m_separator;
    std::vector<std::string> m_names;
};

class TextRowReader : public RowReader {
  public:
    explicit TextRowReader(RecordSplitter splitter) : m_splitter(std::move(splitter)) {}

    Result<bool> next(RawRow& row) override {
        Record record;
        TRY(has_record, m_splitter.next(record));
        if (!has_record) return false;
        row.begin(record.line, record.offset, record.length);
        if (record.is_too_long) {
            row.fail(too_long(record.length));
        } else if (!is_valid_utf8(record.text)) {
            row.fail("it is not valid UTF-8");
        } else {
            row.value = Value(Value::Object{{"text", Value(record.text)}});
        }
        return true;
    }
    int64_t file_bytes_read() const override { return m_splitter.file_bytes_read(); }
    const Value& header() const override { return kNoHeader; }

  private:
    RecordSplitter m_splitter;
};

/// A file that is one JSON object: rows are its array of objects, the rest is the header.
class ObjectRowReader : public RowReader {
  public:
    ObjectRowReader(Value header, Value::Array rows, int64_t bytes)
        : m_header(std::move(header)), m_rows(std::move(rows)), m_bytes(bytes) {}

    Result<bool> next(RawRow& row) override {
        if (m_next == m_rows.size()) return false;
        row.begin(0, -1, 0);
        row.value = std::move(m_rows[m_next++]);
        if (!row.value.is_object()) {
            row.fail(fmt::format("it is {}, not an object", with_article(row.value.type_name())));
        }
        return true;
    }
    int64_t file_bytes_read() const override { return m_bytes; }
    const Value& header() const override { return m_header; }

  private:
    Value m_header;
    Value::Array m_rows;
    size_t m_next = 0;
    int64_t m_bytes;
};

/// The member that holds the rows: a known set's, else the longest array of objects.
Value* rows_member(Value& document) {
    for (const std::string_view name : {"Instances", "examples", "data", "rows"}) {
        Value* const found = document.find(name);
        if (found != nullptr && found->is_array()) return found;
    }
    Value* longest = nullptr;
    for (Member& member : document.object()) {
        const auto& array = std::as_const(member.value).array();
        if (array.empty() || !array.front().is_object()) continue;
        if (longest == nullptr || array.size() > std::as_const(*longest).array().size()) {
            longest = &member.value;
        }
    }
    return longest;
}

/// Whether the object is a table by columns, as datasets and pandas write one: two arrays or more
/// of one length, one of them of texts. (Two arrays of numbers are one row of token ids.)
bool is_table_of_columns(const Value& document) {
    const Value::Object& columns = document.object();
    bool has_texts = false;
    for (const Member& column : columns) {
        const Value::Array& cells = column.value.array();
        if (cells.empty() || cells.size() != columns.front().value.array().size()) return false;
        has_texts = has_texts || cells.front().is_string();
    }
    return columns.size() >= 2 && has_texts;
}

Value::Array rows_of_columns(const Value& document) {
    const Value::Object& columns = document.object();
    Value::Array rows(columns.front().value.array().size());
    for (size_t i = 0; i < rows.size(); ++i) {
        Value::Object& row = rows[i].object();
        for (const Member& column : columns) {
            row.push_back({column.name, column.value.array()[i]});
        }
    }
    return rows;
}

Result<std::unique_ptr<RowReader>> open_object(const SourceFile& file) {
    TRY(bytes, open_bytes(file));
    std::string text;
    std::string block(size_t{1} << 20, '\0');
    while (true) {
        TRY(got, bytes->read(block.data(), block.size()));
        if (got == 0) break;
        text.append(block, 0, got);
        if (static_cast<int64_t>(text.size()) > kMaxObjectBytes) {
            return Error{.code = ErrorCode::BadData,
                         .message = fmt::format("{} is one JSON object of more than {}.",
                                                file.path.string(), format_bytes(kMaxObjectBytes)),
                         .hint = "Write its rows one a line as .jsonl."};
        }
    }
    std::string_view content = text;
    if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
    if (content.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        return std::make_unique<ObjectRowReader>(Value(), Value::Array{}, 0);
    }
    JsonParser parser;
    auto document = parser.parse(content);
    if (!document.ok()) {
        return Error{.code = ErrorCode::BadData,
                     .message = fmt::format("{} cannot be read: {}.", file.path.string(),
                                            document.error().message),
                     .hint = "Fetch or write the file again.",
                     .detail = document.error().detail};
    }
    Value* const rows = rows_member(*document);
    if (rows == nullptr && is_table_of_columns(*document)) {
        return std::make_unique<ObjectRowReader>(Value(), rows_of_columns(*document),
                                                 bytes->file_bytes_read());
    }
    if (rows == nullptr) {
        // One object without rows inside is one row itself.
        Value::Array only;
        if (document->is_object()) only.push_back(std::move(*document));
        return std::make_unique<ObjectRowReader>(Value(), std::move(only),
                                                 bytes->file_bytes_read());
    }
    Value::Array taken = std::move(rows->array());
    *rows = Value(Value::Array{});
    return std::make_unique<ObjectRowReader>(std::move(*document), std::move(taken),
                                             bytes->file_bytes_read());
}

/// Packed JSON cannot be sniffed by name alone: its first character tells.
Result<char> first_character(const SourceFile& file) {
    TRY(bytes, open_bytes(file));
    std::string block(4096, '\0');
    while (true) {
        TRY(got, bytes->read(block.data(), block.size()));
        if (got == 0) return '\0';
        std::string_view text(block.data(), got);
        if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
        const size_t first = text.find_first_not_of(" \t\r\n");
        if (first != std::string_view::npos) return text[first];
    }
}

}  // namespace

void parse_json_row(JsonParser& parser, std::string_view text, RawRow& row) {
    auto parsed = parser.parse(text);
    if (parsed.ok()) row.value = std::move(*parsed);
    check_json_row(parsed.ok() ? nullptr : &parsed.error(), row);
}

std::vector<std::string> csv_cells(std::string_view text, char separator, bool& is_open) {
    std::vector<std::string> cells(1);
    bool& in_quotes = is_open;
    in_quotes = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_quotes && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
            cells.back() += '"';
            ++i;
        } else if (c == '"' && (in_quotes || cells.back().empty())) {
            in_quotes = !in_quotes;
        } else if (c == separator && !in_quotes) {
            cells.emplace_back();
        } else {
            cells.back() += c;
        }
    }
    return cells;
}

std::vector<std::string> csv_names(std::string_view first_record, char separator,
                                   bool& has_header) {
    bool is_open = false;
    std::vector<std::string> cells = csv_cells(first_record, separator, is_open);
    // MMLU's files have no header: question, four choices, and a letter.
    const bool is_mmlu =
        cells.size() == 6 && cells[5].size() == 1 && cells[5][0] >= 'A' && cells[5][0] <= 'D';
    has_header = !is_mmlu;
    if (is_mmlu) return {"question", "A", "B", "C", "D", "answer"};
    for (size_t i = 0; i < cells.size(); ++i) {
        if (cells[i].empty()) cells[i] = fmt::format("column_{}", i + 1);
    }
    return cells;
}

void parse_csv_row(std::string_view text, char separator, const std::vector<std::string>& names,
                   RawRow& row) {
    if (!is_valid_utf8(text)) {
        row.fail("it is not valid UTF-8");
        return;
    }
    bool is_open = false;
    std::vector<std::string> cells = csv_cells(text, separator, is_open);
    if (is_open) {
        row.fail("it has a quote that is not closed");
        return;
    }
    if (cells.size() != names.size()) {
        row.fail(
            fmt::format("it has {} cells where the header has {}", cells.size(), names.size()));
        return;
    }
    Value::Object members;
    members.reserve(cells.size());
    for (size_t i = 0; i < cells.size(); ++i) {
        members.push_back({names[i], Value(std::move(cells[i]))});
    }
    row.value = Value(std::move(members));
}

std::string row_place(const SourceFile& file, const RawRow& row, int64_t row_number) {
    const std::string name = file.path.filename().string();
    if (row.line > 0) return fmt::format("{}:{}", name, row.line);
    return fmt::format("{}, row {}", name, row_number);
}

Result<std::unique_ptr<RowReader>> open_rows(const SourceFile& file) {
    if (file.format == FileFormat::Parquet) return open_parquet_rows(file);
    RecordKind kind = RecordKind::Line;
    if (file.format == FileFormat::Json) {
        TRY(first, first_character(file));
        if (first != '[') return open_object(file);
        kind = RecordKind::ArrayElement;
    } else if (file.format == FileFormat::Csv || file.format == FileFormat::Tsv) {
        kind = file.format == FileFormat::Tsv ? RecordKind::TsvRecord : RecordKind::CsvRecord;
    } else if (file.format == FileFormat::Text) {
        kind = RecordKind::TextDocument;
    }
    TRY(bytes, open_bytes(file));
    RecordSplitter splitter(std::move(bytes), kind, file.path.string());
    if (kind == RecordKind::CsvRecord || kind == RecordKind::TsvRecord) {
        const char separator = file.format == FileFormat::Tsv ? '\t' : ',';
        return std::make_unique<CsvRowReader>(std::move(splitter), separator);
    }
    if (kind == RecordKind::TextDocument)
        return std::make_unique<TextRowReader>(std::move(splitter));
    return std::make_unique<JsonRowReader>(std::move(splitter));
}

}  // namespace dayrun::core
