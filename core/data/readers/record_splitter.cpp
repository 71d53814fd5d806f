// The scanning behind RecordSplitter: a small state machine per kind of record, resumed where the
// last block ended. Neighbours: jsonl, json, csv and text readers.
#include "core/data/readers/record_splitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace dayrun::core {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;  // stays in the second-level cache
constexpr std::string_view kDocumentEnd = "<|endoftext|>";
constexpr std::string_view kBom = "\xEF\xBB\xBF";

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

int64_t count_lines(std::string_view text) {
    return static_cast<int64_t>(std::count(text.begin(), text.end(), '\n'));
}

/// White space around a row belongs to no row; its line is the one where its text starts.
void trim_record(Record& record, RecordKind kind) {
    if (record.is_too_long) {
        record.text = {};
        return;
    }
    if (kind == RecordKind::CsvRecord || kind == RecordKind::TsvRecord) {
        // A blank at either end may be a cell.
        while (record.text.ends_with('\r')) record.text.remove_suffix(1);
        record.length = static_cast<int64_t>(record.text.size());
        return;
    }
    size_t lead = 0;
    while (lead < record.text.size() && is_space(record.text[lead])) ++lead;
    if (lead > 0) record.line += count_lines(record.text.substr(0, lead));
    record.offset += static_cast<int64_t>(lead);
    record.text = trimmed(record.text);
    record.length = static_cast<int64_t>(record.text.size());
}

}  // namespace

RecordSplitter::RecordSplitter(std::unique_ptr<ByteStream> bytes, RecordKind kind, std::string file)
    : m_bytes(std::move(bytes)), m_kind(kind), m_file(std::move(file)) {}

Error RecordSplitter::damaged(const std::string& what) const {
    const int line = static_cast<int>(m_front_line + count_lines(rest()));
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("{}:{}: {}.", m_file, line, what),
            .hint = "Fetch or write the file again."};
}

/// At least half a block free behind m_end: what is unread moves to the front, or into a buffer of
/// twice the size when one record fills it.
void RecordSplitter::make_room() {
    const size_t unread = m_end - m_begin;
    if (m_capacity - m_end >= kBlockBytes / 2 && m_capacity > 0) return;
    if (unread + kBlockBytes / 2 > m_capacity) {
        const size_t capacity = std::max(2 * m_capacity, kBlockBytes);
        auto larger = std::make_unique_for_overwrite<char[]>(capacity + kTextPadding);
        if (unread > 0) std::memcpy(larger.get(), m_buffer.get() + m_begin, unread);
        m_buffer = std::move(larger);
        m_capacity = capacity;
    } else if (unread > 0) {
        std::memmove(m_buffer.get(), m_buffer.get() + m_begin, unread);
    }
    m_begin = 0;
    m_end = unread;
}

Result<bool> RecordSplitter::fill() {
    if (m_is_at_end) return false;
    make_room();
    const bool is_first = m_front_offset == 0 && m_begin == m_end;
    TRY(got, m_bytes->read(m_buffer.get() + m_end, m_capacity - m_end));
    m_end += got;
    m_is_at_end = got == 0;
    // What simdjson may look at behind the text's end, without using it.
    std::memset(m_buffer.get() + m_end, 0, kTextPadding);
    if (is_first && rest().starts_with(kBom)) {
        m_begin += kBom.size();
        m_front_offset = static_cast<int64_t>(kBom.size());
    }
    if (m_kind == RecordKind::Line) check_utf8();
    return !m_is_at_end;
}

/// All whole lines of the buffer at once, which costs half of what it costs one by one. A break is
/// never inside a character, so that lines of a valid text are valid.
void RecordSplitter::check_utf8() {
    const size_t last = rest().rfind('\n');
    const size_t size = last == std::string_view::npos ? 0 : last;
    m_checked = is_valid_utf8(rest().substr(0, size)) ? m_begin + size : 0;
}

void RecordSplitter::drop_front(size_t count) {
    if (m_kind == RecordKind::Line) {
        // A line break can only be the last byte: nothing has to be counted.
        m_front_line += count > 0 && rest()[count - 1] == '\n' ? 1 : 0;
    } else {
        m_front_line += count_lines(rest().substr(0, count));
    }
    m_front_offset += static_cast<int64_t>(count);
    m_begin += count;
    m_scan = m_scan > count ? m_scan - count : 0;
}

bool RecordSplitter::find_element_end(size_t& end, size_t& next) {
    const std::string_view text = rest();
    for (; m_scan < text.size(); ++m_scan) {
        const char c = text[m_scan];
        if (m_in_quotes) {
            if (m_is_escaped) {
                m_is_escaped = false;
            } else if (c == '\\') {
                m_is_escaped = true;
            } else if (c == '"') {
                m_in_quotes = false;
            }
        } else if (c == '"') {
            m_in_quotes = true;
        } else if (c == '{' || c == '[') {
            ++m_depth;
        } else if (m_depth == 0 && (c == ',' || c == ']')) {
            end = m_scan;
            next = m_scan + 1;
            return true;
        } else if (c == '}' || c == ']') {
            m_depth = std::max(0, m_depth - 1);
        }
    }
    return false;
}

bool RecordSplitter::find_document_end(size_t& end, size_t& next) {
    const std::string_view text = rest();
    const size_t found = text.find(kDocumentEnd, m_scan);
    const size_t limit = static_cast<size_t>(kTextPartBytes);
    // npos is beyond every limit.
    if (found > limit) {
        const size_t line = text.size() > limit ? text.find('\n', limit) : std::string_view::npos;
        if (line != std::string_view::npos && line < found) {
            end = next = line + 1;
            return true;
        }
    }
    if (found == std::string_view::npos) {
        // The mark may lie across two blocks.
        const size_t overlap = kDocumentEnd.size() - 1;
        m_scan = text.size() > overlap ? text.size() - overlap : 0;
        return false;
    }
    end = found;
    next = found + kDocumentEnd.size();
    return true;
}

/// Looks on from m_scan; true with the record's end and the start of what follows it.
bool RecordSplitter::find_end(size_t& end, size_t& next) {
    if (m_kind == RecordKind::ArrayElement) return find_element_end(end, next);
    if (m_kind == RecordKind::TextDocument) return find_document_end(end, next);
    const std::string_view text = rest();
    if (m_kind == RecordKind::Line) {
        const size_t found = text.find('\n', m_scan);
        m_scan = found == std::string_view::npos ? text.size() : found;
        end = m_scan;
        next = m_scan + 1;
        return found != std::string_view::npos;
    }
    return find_csv_end(m_kind == RecordKind::TsvRecord ? '\t' : ',', end, next);
}

/// A quote opens at the start of a cell alone; elsewhere, as in 5" pipe, it is text.
bool RecordSplitter::find_csv_end(char separator, size_t& end, size_t& next) {
    const std::string_view text = rest();
    for (; m_scan < text.size(); ++m_scan) {
        const char c = text[m_scan];
        if (c == '"') {
            const bool closes = m_in_quotes;
            m_in_quotes = !closes && m_can_quote;
            m_can_quote = closes;  // a doubled quote closes and opens again
            continue;
        }
        if (c == '\n' && !m_in_quotes) {
            end = m_scan;
            next = m_scan + 1;
            return true;
        }
        m_can_quote = c == separator;
    }
    return false;
}

/// Skips to the first element; false when the file holds nothing but white space.
Result<bool> RecordSplitter::open_array() {
    while (true) {
        const size_t first = rest().find_first_not_of(" \t\r\n");
        if (first == std::string_view::npos) {
            drop_front(rest().size());
            TRY(has_more, fill());
            if (!has_more) return false;
            continue;
        }
        if (rest()[first] != '[') return damaged("the file does not start with a JSON array");
        drop_front(first + 1);
        m_is_open = true;
        return true;
    }
}

/// Behind the last element there may only be white space.
Result<void> RecordSplitter::close_array() {
    m_is_closed = true;
    while (true) {
        if (rest().find_first_not_of(" \t\r\n") != std::string_view::npos) {
            return damaged("there is more behind the end of the JSON array");
        }
        drop_front(rest().size());
        TRY(has_more, fill());
        if (!has_more) return {};
    }
}

Result<bool> RecordSplitter::next(Record& record) {
    while (true) {
        TRY(has_record, next_raw(record));
        if (!has_record) return false;
        if (record.is_too_long || !record.text.empty()) return true;
        if (m_kind == RecordKind::ArrayElement && !m_is_closed) {
            return damaged("the JSON array has an empty place between two commas");
        }
    }
}

Result<bool> RecordSplitter::next_raw(Record& record) {
    drop_front(m_consumed);
    m_consumed = 0;
    m_scan = 0;
    if (m_is_closed) return false;
    if (m_kind == RecordKind::ArrayElement && !m_is_open) {
        TRY(has_array, open_array());
        if (!has_array) return false;
    }
    m_in_quotes = m_is_escaped = false;
    m_can_quote = true;
    m_depth = 0;
    record = {.text = {}, .line = m_front_line, .offset = m_front_offset};
    int64_t skipped = 0;
    size_t end = 0;
    size_t next = 0;
    while (!find_end(end, next)) {
        if (static_cast<int64_t>(rest().size()) > kMaxRowBytes) {
            // Too long to be a row: forget its bytes, keep the state, go on to its end.
            record.is_too_long = true;
            skipped += static_cast<int64_t>(rest().size());
            drop_front(rest().size());
        }
        TRY(has_more, fill());
        if (has_more) continue;
        if (m_kind == RecordKind::ArrayElement)
            return damaged("the file ends inside its JSON array");
        if (rest().empty() && skipped == 0) return false;
        end = next = rest().size();
        break;
    }
    record.length = skipped + static_cast<int64_t>(end);
    record.is_too_long = record.is_too_long || record.length > kMaxRowBytes;
    if (m_kind == RecordKind::ArrayElement && rest()[end] == ']') {
        m_last_text.assign(rest().substr(0, end));
        drop_front(next);
        TRY_VOID(close_array());
        record.text = m_last_text;
    } else {
        m_consumed = next;
        record.text = rest().substr(0, end);
        record.is_padded = true;
        if (m_begin + end <= m_checked) record.utf8 = Utf8::Checked;
    }
    trim_record(record, m_kind);
    return true;
}

}  // namespace dayrun::core
