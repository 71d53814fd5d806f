// Where rows come from: the files behind a source's path, their formats and hashes. Neighbours:
// readers/ turn a file into rows, read_samples turns rows into samples. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

enum class FileFormat { Jsonl, Json, Csv, Tsv, Parquet, Text };
enum class Compression { None, Gzip, Zstd };

/// "jsonl", "json", "csv", "tsv", "parquet", "text".
std::string_view to_string(FileFormat format);

struct SourceFile {
    std::filesystem::path path = {};
    FileFormat format = FileFormat::Jsonl;
    Compression compression = Compression::None;
    int64_t bytes = 0;
    int64_t modified_ns = 0;  // since the clock's epoch, when the file was described
    std::string sha256 = {};  // empty until it is asked for
};

struct DataSource {
    uint32_t source_index = 0;
    std::string name = {};
    std::vector<SourceFile> files = {};  // sorted by path
    std::string converter = {};  // as the recipe names it; empty: detected from the first row
    std::vector<std::pair<std::string, std::string>> columns = {};  // sample field -> file column
    TurnsRule turns = TurnsRule::Whole;
    std::vector<std::pair<std::string, std::string>> fields = {};  // sample field -> its new words
    double max_bad_rows = 0.01;  // share of the rows that may be bad
    std::string sha256 = {};     // over the files' hashes, in order
    int64_t bytes() const;
};

/// Hashing reads every byte: needed for caches and records, not for browsing.
enum class Hashing { No, Yes };

/// One source alone. A folder is read recursively (its text files only when it has nothing else),
/// a glob by * and ? in any part; `spec.split` keeps the files whose path names that part.
Result<DataSource> open_source(const DataSpec& spec, const std::filesystem::path& folder,
                               Hashing hashing);

/// The words of a path in lower case, in order: "mmlu/test/anatomy_test.csv" has "test" twice.
std::vector<std::string> path_words(const std::filesystem::path& path);

/// A file's format and compression by its name; BadData when the extension is none of ours.
Result<SourceFile> describe_file(const std::filesystem::path& path);

/// BadData when a file of the source is no longer what it was when it was described: size or time.
Result<void> check_unchanged(const DataSource& source);

}  // namespace dayrun::core
