// Reading and converting a source, with the account of what was left out. Neighbours: readers/,
// converters/. One reader per thread.
#include "core/data/read_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/units.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

/// Enough bad rows to stop early instead of reading gigabytes of them.
constexpr int64_t kManyBadRows = 1000;

std::string stem_of(const SourceFile& file) {
    std::filesystem::path name = file.path.filename();
    if (file.compression != Compression::None) name = name.stem();
    return name.stem().string();
}

}  // namespace

uint64_t make_sample_id(uint64_t name_hash, uint64_t row_index, uint64_t part) {
    const uint64_t words[2] = {row_index, part};
    return hash_text({reinterpret_cast<const char*>(words), sizeof words}, name_hash);
}

Result<void> check_bad_rows(const DataSource& source, int64_t rows_in, const DropReport& dropped) {
    const auto found = dropped.reasons.find(kBadRow);
    if (found == dropped.reasons.end()) return {};
    const DropReport::Reason& bad = found->second;
    const double share = static_cast<double>(bad.count) / static_cast<double>(rows_in);
    if (share <= source.max_bad_rows) return {};
    return Error{
        .code = ErrorCode::BadData,
        .message = fmt::format("{} of {} of '{}' {} bad, more than the {:.3g} % that may be "
                               "skipped. The first: {}.",
                               format_count(bad.count), count_of(rows_in, "row"), source.name,
                               bad.count == 1 ? "is" : "are", 100 * source.max_bad_rows,
                               bad.examples.front()),
        .hint =
            fmt::format("Repair the file, choose another converter or column mapping, or accept "
                        "it with max_bad_rows: {:.2g} on this source.",
                        std::min(1.0, std::ceil(100 * share - 1e-9) / 100))};
}

SampleReader::SampleReader(DataSource source)
    : m_source(std::move(source)), m_reshape(m_source.turns, m_source.fields) {
    m_name_hash = hash_text(m_source.name);
    // A mapping without a converter's name is the converter.
    m_is_by_columns = m_source.converter.empty() && !m_source.columns.empty();
    if (m_is_by_columns) m_converter_name = "columns";
}

int64_t SampleReader::bytes_read() const {
    return m_finished_bytes + (m_rows ? m_rows->file_bytes_read() : 0);
}

Result<bool> SampleReader::open_next_file() {
    if (m_next_file > 0 && m_rows) {
        m_finished_bytes += m_source.files[m_next_file - 1].bytes;
        m_rows.reset();
    }
    if (m_next_file == m_source.files.size()) return false;
    const SourceFile& file = m_source.files[m_next_file++];
    TRY(rows, open_rows(file));
    m_rows = std::move(rows);
    m_file_stem = stem_of(file);
    m_row_in_file = 0;
    return true;
}

Result<void> SampleReader::choose_converter(const Value& row) {
    const RowContext context{m_rows->header(), m_file_stem};
    if (!m_source.converter.empty()) {
        m_converter = find_converter(m_source.converter);
        if (m_converter == nullptr) {
            std::string names;
            for (const Converter& known : converters()) names += fmt::format(" {}", known.name);
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("The source '{}' names the converter '{}', which "
                                                "does not exist.",
                                                m_source.name, m_source.converter),
                         .hint = "The converters are:" + names + "."};
        }
    } else {
        m_converter = detect_converter(row, context);
        if (m_converter == nullptr) {
            return Error{
                .code = ErrorCode::BadData,
                .message = fmt::format(
                    "No known set fits the rows of '{}' ({}); their fields are {}.", m_source.name,
                    m_source.files[m_next_file - 1].path.filename().string(), member_names(row)),
                .hint =
                    "Map them, for example columns: {instruction: FIELD, response: FIELD}, or "
                    "name a converter."};
        }
    }
    m_converter_name = m_converter->name;
    return {};
}

void SampleReader::add_bad(const std::string& problem) {
    const SourceFile& file = m_source.files[m_next_file - 1];
    const std::string example =
        fmt::format("{}: {}", row_place(file, m_row, m_row_in_file), problem);
    ++m_bad_rows;
    ++m_rows_in;
    m_dropped.add(kBadRow, example);
}

Result<void> SampleReader::convert(SampleBlock& samples) {
    m_converted.clear();
    const RowContext context{m_rows->header(), m_file_stem};
    const Value& row = m_row.value;
    if (m_is_by_columns) {
        convert_columns(row, m_source.columns, m_converted);
    } else if (m_source.columns.empty()) {
        m_converter->convert(row, context, m_converted);
    } else {
        m_converter->convert(renamed_columns(row, m_source.columns), context, m_converted);
    }
    if (!m_converted.problem.empty()) {
        add_bad(m_converted.problem);
        return {};
    }
    TRY_VOID(m_reshape.apply(m_converted));
    const auto place = [&] {
        return row_place(m_source.files[m_next_file - 1], m_row, m_row_in_file);
    };
    for (const std::string& reason : m_converted.drop_reasons) {
        ++m_rows_in;
        m_dropped.add(reason, place());
    }
    for (const std::string& part : m_converted.shortened) m_shortened.add(part, place());
    uint64_t part = 0;
    for (Sample& sample : m_converted.samples) {
        sample.source_index = m_source.source_index;
        sample.row_index = static_cast<uint64_t>(m_row_index);
        sample.sample_id = make_sample_id(m_name_hash, sample.row_index, part++);
        samples.take(sample);
        ++m_rows_in;
    }
    return {};
}

Result<bool> SampleReader::read(size_t limit, SampleBlock& samples) {
    const size_t wanted = samples.size() + limit;
    size_t block_bytes = 0;
    while (samples.size() < wanted && block_bytes < kMaxBlockBytes) {
        const size_t before = samples.size();
        if (!m_rows) {
            TRY(has_file, open_next_file());
            if (!has_file) {
                TRY_VOID(check_bad_rows(m_source, m_rows_in, m_dropped));
                return false;
            }
        }
        TRY(has_row, m_rows->next(m_row));
        if (!has_row) {
            TRY(has_file, open_next_file());
            if (has_file) continue;
            TRY_VOID(check_bad_rows(m_source, m_rows_in, m_dropped));
            return false;
        }
        ++m_row_in_file;
        if (!m_row.problem.empty()) {
            add_bad(m_row.problem);
        } else {
            if (m_converter == nullptr && !m_is_by_columns) {
                TRY_VOID(choose_converter(m_row.value));
            }
            TRY_VOID(convert(samples));
        }
        for (size_t i = before; i < samples.size(); ++i) block_bytes += samples[i].content_bytes();
        ++m_row_index;
        if (m_bad_rows >= kManyBadRows) {
            TRY_VOID(check_bad_rows(m_source, m_rows_in, m_dropped));
        }
    }
    return true;
}

}  // namespace dayrun::core
