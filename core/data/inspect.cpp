// One pass over a file's rows. Neighbours: readers/, converters/. Any thread.
#include "core/data/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/data/converters/converter.h"
#include "core/data/data_source.h"
#include "core/data/readers/row_reader.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

constexpr int64_t kTypedRows = 1000;  // rows that decide the columns' types
constexpr size_t kExampleBytes = 60;

/// Columns in the order of their first appearance, with every type seen.
class Columns {
  public:
    void add(const Value& row) {
        for (const Member& member : row.object()) {
            auto found = std::find_if(m_columns.begin(), m_columns.end(), [&](const auto& column) {
                return column.name == member.name;
            });
            if (found == m_columns.end()) {
                m_columns.push_back({.name = member.name});
                found = std::prev(m_columns.end());
            }
            add_type(*found, member.value.type_name());
            if (found->example.empty() && !member.value.is_null()) {
                const std::string text = member.value.text();
                found->example = text.substr(0, utf8_floor(text, kExampleBytes));
            }
        }
    }
    std::vector<ColumnInfo> take() { return std::move(m_columns); }

  private:
    static void add_type(ColumnInfo& column, const std::string& type) {
        if (column.type == type || column.type.find(" or " + type) != std::string::npos ||
            column.type.starts_with(type + " or ")) {
            return;
        }
        column.type += (column.type.empty() ? "" : " or ") + type;
    }
    std::vector<ColumnInfo> m_columns;
};

}  // namespace

Result<FileInspection> inspect_file(const std::filesystem::path& path, std::stop_token stop,
                                    int64_t row_limit) {
    DataSpec spec;
    spec.name = path.filename().string();
    spec.path = path.string();
    TRY(source, open_source(spec, std::filesystem::current_path(), Hashing::No));
    if (source.files.size() != 1) {
        return Error{
            .code = ErrorCode::BadUsage,
            .message = fmt::format("{} holds {} data files.", path.string(), source.files.size()),
            .hint = "Inspect one file at a time."};
    }
    const SourceFile& file = source.files.front();
    FileInspection found;
    found.path = path;
    found.format = to_string(file.format);
    found.compression = file.compression == Compression::Gzip   ? "gzip"
                        : file.compression == Compression::Zstd ? "zstd"
                                                                : "";
    found.bytes = file.bytes;
    TRY(rows, open_rows(file));
    const std::string stem = path.stem().string();
    const RowContext context{rows->header(), stem};
    const Converter* converter = nullptr;
    Columns columns;
    ObservedMapping observed;
    Converted converted;
    RawRow row;
    int64_t good_rows = 0;
    while (row_limit == 0 || found.row_count < row_limit) {
        if (found.row_count % 1024 == 0 && stop.stop_requested()) {
            return Error{.code = ErrorCode::Cancelled, .message = "Reading was stopped."};
        }
        TRY(has_row, rows->next(row));
        if (!has_row) break;
        ++found.row_count;
        std::string problem = row.problem;
        if (problem.empty()) {
            if (good_rows++ < kTypedRows) columns.add(row.value);
            if (converter == nullptr && good_rows == 1) {
                converter = detect_converter(row.value, context);
            }
            converted.clear();
            if (converter != nullptr) converter->convert(row.value, context, converted);
            problem = converted.problem;
            if (good_rows <= kTypedRows && converted.samples.size() == 1) {
                observed.add(row.value, converted.samples[0]);
            }
            found.samples += problem.empty() ? static_cast<int64_t>(converted.samples.size()) : 0;
            for (const std::string& reason : converted.drop_reasons) {
                found.dropped.add(reason, row_place(file, row, found.row_count));
            }
        }
        if (problem.empty()) continue;
        const std::string place =
            fmt::format("{}: {}", row_place(file, row, found.row_count), problem);
        if (found.first_bad_row.empty()) found.first_bad_row = place;
        ++found.bad_rows;
        found.dropped.add("bad row", place);
    }
    found.columns = columns.take();
    std::vector<std::string> names;
    for (const ColumnInfo& column : found.columns) names.push_back(column.name);
    found.mapping = observed.mapping();
    if (found.mapping.empty()) found.mapping = mapping_by_names(names);
    if (converter != nullptr) {
        found.converter = converter->name;
        found.converter_title = converter->title;
        found.licence = converter->licence;
    }
    found.warning = training_warning(converter, path);
    return found;
}

}  // namespace dayrun::core
