// The readers of data files as functions of bytes: rows, or an Error, and what the converters make
// of the rows. Neighbours: the fuzz_*.cpp programs (libFuzzer), tests/core/data/test_fuzz_slow.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/converters/converter.h"
#include "core/data/curate/filter.h"
#include "core/data/curate/where.h"
#include "core/data/readers/row_reader.h"
#include "tests/fuzz/memory_file.h"
#include "tests/support/flat_row_check.h"

namespace dayrun::fuzz {

/// Reads every row, its text, and the samples of each converter that fits it.
inline void read_rows(const uint8_t* data, size_t size, core::FileFormat format,
                      core::Compression compression = core::Compression::None) {
    const MemoryFile content(data, size);
    const core::SourceFile file{.path = content.path(),
                                .format = format,
                                .compression = compression,
                                .bytes = static_cast<int64_t>(size)};
    const auto reader = core::open_rows(file);
    if (!reader) return;
    const std::string stem = "fuzz";
    core::RawRow row;
    volatile size_t length = 0;
    for (int64_t number = 1;; ++number) {
        const auto has_row = (*reader)->next(row);
        if (!has_row || !*has_row) return;
        length = length + core::row_place(file, row, number).size() + row.value.json().size();
        if (!row.problem.empty()) continue;
        const core::RowContext context{(*reader)->header(), stem};
        const core::Converter* const detected = core::detect_converter(row.value, context);
        if (detected == nullptr) continue;
        core::Converted converted;
        detected->convert(row.value, context, converted);
        for (const core::Sample& sample : converted.samples) {
            length = length + core::asked_text(sample).size() + sample.messages().size();
        }
    }
}

inline void read_jsonl(const uint8_t* data, size_t size) {
    read_rows(data, size, core::FileFormat::Jsonl);
}
inline void read_json(const uint8_t* data, size_t size) {
    read_rows(data, size, core::FileFormat::Json);
}
/// The first byte chooses the separator.
inline void read_csv(const uint8_t* data, size_t size) {
    if (size == 0) return;
    read_rows(data + 1, size - 1, data[0] == 't' ? core::FileFormat::Tsv : core::FileFormat::Csv);
}
inline void read_parquet(const uint8_t* data, size_t size) {
    read_rows(data, size, core::FileFormat::Parquet);
}
/// The first byte chooses gzip or Zstandard; behind it lie the packed bytes of JSON lines.
inline void read_packed(const uint8_t* data, size_t size) {
    if (size == 0) return;
    read_rows(data + 1, size - 1, core::FileFormat::Jsonl,
              data[0] == 'g' ? core::Compression::Gzip : core::Compression::Zstd);
}
/// A common row is read as simdjson reads it, or not at all.
inline void read_flat_row(const uint8_t* data, size_t size) {
    if (tests::flat_row_differs({reinterpret_cast<const char*>(data), size})) std::abort();
}
/// An expression, read and asked about a sample.
inline void read_where(const uint8_t* data, size_t size) {
    const auto where = core::WhereExpression::parse({reinterpret_cast<const char*>(data), size});
    if (!where) return;
    core::Sample sample;
    sample.set_exchange("", "What is 2 + 2?", "4", "");
    sample.set_field("source", "a/b");
    const auto byte_count = [](std::string_view text) { return static_cast<int64_t>(text.size()); };
    volatile bool is_kept = where->matches(sample, byte_count).ok();
    is_kept = !is_kept;
}

}  // namespace dayrun::fuzz
