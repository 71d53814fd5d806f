// What one file is, for `data inspect` and the import dialog: format, columns, rows, the converter
// that fits, the first bad row. Reads the file once. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/data/column_mapping.h"
#include "core/data/sample.h"

namespace dayrun::core {

struct ColumnInfo {
    std::string name;
    std::string type = {};     // "string", "list of integer", "string or null"
    std::string example = {};  // the first value's beginning
};

struct FileInspection {
    std::filesystem::path path;
    std::string format;       // "jsonl", "parquet", …
    std::string compression;  // "", "gzip", "zstd"
    int64_t bytes = 0;
    int64_t row_count = 0;  // bad ones included
    int64_t bad_rows = 0;
    std::string first_bad_row;  // "train.jsonl:17: it is not JSON"
    std::vector<ColumnInfo> columns;
    std::string converter;  // that fits the first good row; "" when none does
    /// To be edited in its place: the columns that it takes as they are, else those whose names say
    /// what they hold. Empty when neither gives a reply or a text.
    ColumnMapping mapping;
    std::string converter_title, licence, warning;
    int64_t samples = 0;  // the converter makes of the rows
    DropReport dropped;   // rows it leaves out, bad ones too
};

/// Reads at most `row_limit` rows (0: all). BadData, FileDamaged or FileMissing when the file
/// cannot be read at all.
Result<FileInspection> inspect_file(const std::filesystem::path& path, std::stop_token stop = {},
                                    int64_t row_limit = 0);

}  // namespace dayrun::core
