// What a data file holds, for `dayrun data inspect` and the import of the Data stage. Neighbours:
// readers/ and converters/. Reads the whole file once; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

struct ColumnInfo {
    std::string name;
    std::string type;  // "text", "integer", "number", "list of text", …
};

struct FileInspection {
    std::filesystem::path path;
    std::string format;         // "JSONL", "Parquet", "CSV, gzip", …
    std::vector<ColumnInfo> columns;
    int64_t row_count = 0;
    std::string converter;      // the detected one; empty when none fits
    std::string first_bad_row;  // "file:line: why"; empty when all rows read
};

/// FileMissing, or BadData with file and line when not one row can be read.
Result<FileInspection> inspect_file(const std::filesystem::path& path);

}  // namespace dayrun::core
