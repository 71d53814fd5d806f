// Two ways to a row by number: text files by the byte offset of each record (8 bytes a row in
// memory, one pread a row), everything else by walking the file's reader and keeping the last
// block. Neighbour: source_browser.h. Thread-safe by one lock around the reading state.
#include "core/data/source_browser.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "core/data/converters/converter.h"
#include "core/data/curate/reshape.h"
#include "core/data/read_samples.h"
#include "core/data/readers/json_value.h"
#include "core/data/readers/row_reader.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

constexpr int64_t kBlockRows = 1024;
constexpr int64_t kMaxShownBytes = int64_t{8} << 20;
constexpr int64_t kReportEvery = 4096;

/// One file's rows: where they are, or how to get there.
struct IndexedFile {
    SourceFile file;
    bool is_by_offset = false;
    std::vector<int64_t> offsets;  // of each record, in a file read by offset
    std::vector<int32_t> lengths;
    std::vector<int32_t> lines;
    int64_t row_count = 0;
    std::string stem;
};

/// Offsets work where a record can be parsed alone: JSON lines and arrays.
bool can_seek(const SourceFile& file, const RawRow& first) {
    const bool is_json = file.format == FileFormat::Jsonl || file.format == FileFormat::Json;
    return is_json && file.compression == Compression::None && first.offset >= 0;
}

class Descriptor {
  public:
    explicit Descriptor(const std::filesystem::path& path)
        : m_descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~Descriptor() {
        if (m_descriptor >= 0) ::close(m_descriptor);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    bool read(int64_t offset, std::string& out) const {
        return m_descriptor >= 0 && ::pread(m_descriptor, out.data(), out.size(), offset) ==
                                        static_cast<ssize_t>(out.size());
    }

  private:
    int m_descriptor;
};

}  // namespace

struct SourceBrowser::State {
    explicit State(DataSource opened)
        : source(std::move(opened)), reshape(source.turns, source.fields) {}

    DataSource source;
    Reshape reshape;
    mutable std::mutex mutex;
    std::vector<IndexedFile> files;
    // What a window asks ten times a second; never behind the lock of somebody who reads.
    std::atomic<int64_t> row_count = 0;
    std::atomic<bool> is_complete = false;
    mutable std::mutex names_mutex;  // guards the two below
    std::vector<std::string> columns;
    std::string converter_name;
    const Converter* converter = nullptr;

    // The block that was read last of a file without offsets.
    mutable std::unique_ptr<RowReader> walker;
    mutable size_t walker_file = 0;
    mutable int64_t walker_row = 0;  // the next row it gives
    mutable std::vector<RawRow> block;
    mutable int64_t block_begin = 0;
    mutable std::vector<Value> headers;

    Result<RawRow> raw_row(size_t file, int64_t row) const;
    Result<RawRow> seek_row(const IndexedFile& file, int64_t row) const;
    Result<RawRow> walk_to(size_t file, int64_t row) const;
    void choose_converter(const RawRow& row, const RowContext& context);
    void convert(const IndexedFile& file, size_t index, BrowsedRow& browsed) const;
};

SourceBrowser::SourceBrowser(std::unique_ptr<State> state) : m_state(std::move(state)) {}
SourceBrowser::~SourceBrowser() = default;

Result<std::shared_ptr<SourceBrowser>> SourceBrowser::open(const DataSpec& spec,
                                                           const std::filesystem::path& folder) {
    TRY(source, open_source(spec, folder, Hashing::No));
    auto state = std::make_unique<State>(std::move(source));
    for (const SourceFile& file : state->source.files) {
        IndexedFile indexed;
        indexed.file = file;
        std::filesystem::path name = file.path.filename();
        if (file.compression != Compression::None) name = name.stem();
        indexed.stem = name.stem().string();
        state->files.push_back(std::move(indexed));
    }
    state->headers.resize(state->files.size());
    if (!spec.converter.empty()) state->converter = find_converter(spec.converter);
    if (state->converter != nullptr) state->converter_name = state->converter->name;
    return std::shared_ptr<SourceBrowser>(new SourceBrowser(std::move(state)));
}

void SourceBrowser::State::choose_converter(const RawRow& row, const RowContext& context) {
    if (!columns.empty() || !row.problem.empty()) return;
    if (converter == nullptr && source.columns.empty()) {
        converter = detect_converter(row.value, context);
    }
    const std::lock_guard lock(names_mutex);
    for (const Member& member : row.value.object()) columns.push_back(member.name);
    if (converter != nullptr) converter_name = converter->name;
    if (converter == nullptr && !source.columns.empty()) converter_name = "columns";
}

Result<void> SourceBrowser::build(const std::function<void(int64_t, int64_t)>& progress,
                                  std::stop_token stop) {
    const int64_t total = m_state->source.bytes();
    int64_t before = 0;
    for (size_t index = 0; index < m_state->files.size(); ++index) {
        IndexedFile& file = m_state->files[index];
        TRY(rows, open_rows(file.file));
        {
            const std::lock_guard lock(m_state->mutex);
            m_state->headers[index] = rows->header();
        }
        RawRow row;
        while (true) {
            if (file.row_count % kReportEvery == 0) {
                if (stop.stop_requested()) {
                    return Error{.code = ErrorCode::Cancelled, .message = "Reading was stopped."};
                }
                if (progress) progress(before + rows->file_bytes_read(), total);
            }
            TRY(has_row, rows->next(row));
            if (!has_row) break;
            const std::lock_guard lock(m_state->mutex);
            if (file.row_count == 0) file.is_by_offset = can_seek(file.file, row);
            if (file.is_by_offset) {
                file.offsets.push_back(row.offset);
                file.lengths.push_back(
                    static_cast<int32_t>(std::min<int64_t>(row.length, INT32_MAX)));
                file.lines.push_back(static_cast<int32_t>(row.line));
            }
            m_state->choose_converter(row, {m_state->headers[index], file.stem});
            ++file.row_count;
            ++m_state->row_count;
        }
        before += file.file.bytes;
    }
    const std::lock_guard lock(m_state->mutex);
    m_state->is_complete = true;
    if (progress) progress(total, total);
    return {};
}

int64_t SourceBrowser::row_count() const {
    return m_state->row_count;
}

bool SourceBrowser::is_complete() const {
    return m_state->is_complete;
}

std::vector<std::string> SourceBrowser::columns() const {
    const std::lock_guard lock(m_state->names_mutex);
    return m_state->columns;
}

std::string SourceBrowser::converter_name() const {
    const std::lock_guard lock(m_state->names_mutex);
    return m_state->converter_name;
}

Result<RawRow> SourceBrowser::State::seek_row(const IndexedFile& file, int64_t row) const {
    const auto at = static_cast<size_t>(row);
    RawRow raw;
    raw.line = file.lines[at];
    raw.offset = file.offsets[at];
    raw.length = file.lengths[at];
    if (raw.length > kMaxShownBytes) {
        raw.problem = "the row is too long to show";
        return raw;
    }
    std::string text(static_cast<size_t>(raw.length), '\0');
    if (!Descriptor(file.file.path).read(raw.offset, text)) {
        return Error{
            .code = ErrorCode::FileDamaged,
            .message = fmt::format("{} has changed since it was opened.", file.file.path.string()),
            .hint = "Open the source again."};
    }
    JsonParser parser;
    parse_json_row(parser, text, raw);
    return raw;
}

Result<RawRow> SourceBrowser::State::walk_to(size_t index, int64_t row) const {
    const int64_t block_end = block_begin + static_cast<int64_t>(block.size());
    if (walker_file == index && row >= block_begin && row < block_end) {
        return block[static_cast<size_t>(row - block_begin)];
    }
    if (!walker || walker_file != index || row < walker_row) {
        TRY(opened, open_rows(files[index].file));
        walker = std::move(opened);
        walker_file = index;
        walker_row = 0;
    }
    // Blocks start at multiples of their length, so that paging back finds the same borders.
    const int64_t begin = row / kBlockRows * kBlockRows;
    block.clear();
    block_begin = begin;
    RawRow raw;
    while (walker_row < begin + kBlockRows) {
        TRY(has_row, walker->next(raw));
        if (!has_row) break;
        if (walker_row++ >= begin) block.push_back(std::move(raw));
    }
    if (row - begin < static_cast<int64_t>(block.size())) {
        return block[static_cast<size_t>(row - begin)];
    }
    return Error{.code = ErrorCode::FileDamaged,
                 .message = fmt::format("{} has changed since it was opened.",
                                        files[index].file.path.string()),
                 .hint = "Open the source again."};
}

Result<RawRow> SourceBrowser::State::raw_row(size_t file, int64_t row) const {
    return files[file].is_by_offset ? seek_row(files[file], row) : walk_to(file, row);
}

void SourceBrowser::State::convert(const IndexedFile& file, size_t index,
                                   BrowsedRow& browsed) const {
    Converted converted;
    const RowContext context{headers[index], file.stem};
    if (converter != nullptr && source.columns.empty()) {
        converter->convert(browsed.value, context, converted);
    } else if (converter != nullptr) {
        converter->convert(renamed_columns(browsed.value, source.columns), context, converted);
    } else if (!source.columns.empty()) {
        convert_columns(browsed.value, source.columns, converted);
    }
    if (converted.problem.empty()) {
        if (auto done = reshape.apply(converted); !done.ok()) {
            converted.samples.clear();
            converted.problem = done.error().text();
        }
    }
    browsed.problem = converted.problem;
    if (browsed.problem.empty() && !converted.drop_reasons.empty()) {
        browsed.problem = converted.drop_reasons.front();
    }
    const uint64_t name_hash = hash_text(source.name);
    uint64_t part = 0;
    for (Sample& sample : converted.samples) {
        sample.row_index = static_cast<uint64_t>(browsed.row_index);
        sample.sample_id = make_sample_id(name_hash, sample.row_index, part++);
        browsed.samples.push_back(std::move(sample));
    }
}

Result<std::vector<BrowsedRow>> SourceBrowser::rows(int64_t begin, int64_t count) const {
    const std::lock_guard lock(m_state->mutex);
    std::vector<BrowsedRow> found;
    const int64_t end = std::min(begin + count, m_state->row_count.load());
    int64_t file_begin = 0;
    for (size_t index = 0; index < m_state->files.size(); ++index) {
        const IndexedFile& file = m_state->files[index];
        const int64_t file_end = file_begin + file.row_count;
        for (int64_t row = std::max(begin, file_begin); row < std::min(end, file_end); ++row) {
            TRY(raw, m_state->raw_row(index, row - file_begin));
            BrowsedRow browsed;
            browsed.row_index = row;
            browsed.place = row_place(file.file, raw, row - file_begin + 1);
            browsed.problem = raw.problem;
            browsed.value = std::move(raw.value);
            if (browsed.problem.empty()) m_state->convert(file, index, browsed);
            found.push_back(std::move(browsed));
        }
        file_begin = file_end;
    }
    return found;
}

}  // namespace dayrun::core
