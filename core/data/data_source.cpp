// Files, folders and globs behind a source's path. Neighbours: recipe.h says the path, readers/
// open the files. Any thread.
#include "core/data/data_source.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>

#include "core/base/hash.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKnownEndings =
    ".jsonl, .ndjson, .json, .csv, .tsv, .parquet or .txt, also with .gz or .zst";

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// Published names of the same part.
bool is_same_split(const std::string& word, const std::string& split) {
    constexpr std::array<std::string_view, 3> kValidation{"validation", "valid", "val"};
    const auto is_validation = [&](const std::string& name) {
        return std::find(kValidation.begin(), kValidation.end(), name) != kValidation.end();
    };
    return word == split || (is_validation(word) && is_validation(split));
}

bool names_split(const fs::path& path, const fs::path& root, const std::string& split) {
    std::error_code ignored;
    const fs::path relative = fs::relative(path, root, ignored);
    const auto words = path_words(relative.empty() ? path.filename() : relative);
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& word) { return is_same_split(word, lower(split)); });
}

bool has_wildcard(const std::string& path) {
    return path.find_first_of("*?[") != std::string::npos;
}

Error missing(const fs::path& path, const std::string& source) {
    return {.code = ErrorCode::FileMissing,
            .message = fmt::format("The data source '{}' is not there: {}.", source, path.string()),
            .hint = "Give the path of a file, a folder or a glob, relative to the recipe."};
}

std::vector<fs::path> files_of_folder(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code error;
    fs::recursive_directory_iterator entries(folder, fs::directory_options::skip_permission_denied,
                                             error);
    for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
        std::error_code ignored;
        if (entries->is_regular_file(ignored) && describe_file(entries->path()).ok()) {
            found.push_back(entries->path());
        }
    }
    // Read-me files and licences lie beside data; text counts only where there is nothing else.
    const auto is_text = [](const fs::path& path) {
        return describe_file(path)->format == FileFormat::Text;
    };
    if (!std::all_of(found.begin(), found.end(), is_text)) std::erase_if(found, is_text);
    return found;
}

Result<std::vector<fs::path>> files_of_glob(const std::string& pattern) {
    glob_t matches{};
    const int status = ::glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &matches);
    std::vector<fs::path> found;
    for (size_t i = 0; i < matches.gl_pathc; ++i) found.emplace_back(matches.gl_pathv[i]);
    ::globfree(&matches);
    if (status == GLOB_NOSPACE)
        return Error{.code = ErrorCode::OutOfHostMemory, .message = pattern};
    std::error_code ignored;
    std::erase_if(found, [&](const fs::path& path) { return !fs::is_regular_file(path, ignored); });
    return found;
}

/// What the file's first characters tell when its name does not: an array under .jsonl, lines
/// under .json. Compressed files keep the format of their name.
FileFormat sniffed_json(const SourceFile& file) {
    std::ifstream stream(file.path, std::ios::binary);
    std::string head(size_t{1} << 16, '\0');
    stream.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<size_t>(stream.gcount()));
    if (head.starts_with("\xEF\xBB\xBF")) head.erase(0, 3);
    const size_t first = head.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return file.format;
    if (head[first] == '[') return FileFormat::Json;
    if (file.format == FileFormat::Jsonl) return FileFormat::Jsonl;
    // An object that closes on its first line with another one below it: rows, one a line.
    const size_t line_end = head.find('\n', first);
    if (line_end == std::string::npos) return FileFormat::Json;
    const size_t last = head.find_last_not_of(" \t\r", line_end - 1);
    const size_t next = head.find_first_not_of(" \t\r\n", line_end);
    const bool is_closed = last != std::string::npos && last > first && head[last] == '}';
    const bool has_next = next != std::string::npos && head[next] == '{';
    return is_closed && has_next ? FileFormat::Jsonl : FileFormat::Json;
}

int64_t modified_ns(const fs::path& path) {
    std::error_code ignored;
    return static_cast<int64_t>(fs::last_write_time(path, ignored).time_since_epoch().count());
}

Result<std::vector<fs::path>> find_paths(const DataSpec& spec, const fs::path& path) {
    std::error_code ignored;
    if (has_wildcard(path.string()) && !fs::exists(path, ignored)) {
        TRY(found, files_of_glob(path.string()));
        if (found.empty()) return missing(path, spec.name);
        return found;
    }
    if (fs::is_directory(path, ignored)) {
        std::vector<fs::path> found = files_of_folder(path);
        if (!found.empty()) return found;
        return Error{.code = ErrorCode::BadData,
                     .message = fmt::format("The folder {} of '{}' holds no data file.",
                                            path.string(), spec.name),
                     .hint = fmt::format("Data files end in {}.", kKnownEndings)};
    }
    if (!fs::exists(path, ignored)) return missing(path, spec.name);
    return std::vector<fs::path>{path};
}

}  // namespace

std::vector<std::string> path_words(const fs::path& path) {
    std::vector<std::string> words(1);
    for (const unsigned char c : lower(path.string())) {
        if (std::isalnum(c)) {
            words.back() += static_cast<char>(c);
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    return words;
}

std::string_view to_string(FileFormat format) {
    switch (format) {
        case FileFormat::Jsonl:
            return "jsonl";
        case FileFormat::Json:
            return "json";
        case FileFormat::Csv:
            return "csv";
        case FileFormat::Tsv:
            return "tsv";
        case FileFormat::Parquet:
            return "parquet";
        case FileFormat::Text:
            return "text";
    }
    return "";
}

int64_t DataSource::bytes() const {
    int64_t sum = 0;
    for (const SourceFile& file : files) sum += file.bytes;
    return sum;
}

Result<SourceFile> describe_file(const fs::path& path) {
    SourceFile file{.path = path};
    fs::path name = path.filename();
    std::string ending = lower(name.extension().string());
    if (ending == ".gz" || ending == ".zst") {
        file.compression = ending == ".gz" ? Compression::Gzip : Compression::Zstd;
        name = name.stem();
        ending = lower(name.extension().string());
    }
    if (ending == ".jsonl" || ending == ".ndjson") {
        file.format = FileFormat::Jsonl;
    } else if (ending == ".json") {
        file.format = FileFormat::Json;
    } else if (ending == ".csv") {
        file.format = FileFormat::Csv;
    } else if (ending == ".tsv") {
        file.format = FileFormat::Tsv;
    } else if (ending == ".parquet") {
        file.format = FileFormat::Parquet;
    } else if (ending == ".txt") {
        file.format = FileFormat::Text;
    } else {
        return Error{.code = ErrorCode::BadData,
                     .message = fmt::format("{} is no data file that Dayrun reads.", path.string()),
                     .hint = fmt::format("Data files end in {}.", kKnownEndings)};
    }
    return file;
}

Result<DataSource> open_source(const DataSpec& spec, const fs::path& folder, Hashing hashing) {
    if (spec.path.empty()) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("The data source '{}' has no path.", spec.name)};
    }
    const fs::path given = spec.path;
    const fs::path path = given.is_absolute() ? given : folder / given;
    TRY(paths, find_paths(spec, path));
    if (!spec.split.empty()) {
        std::error_code ignored;
        const fs::path root = fs::is_directory(path, ignored) ? path : path.parent_path();
        std::erase_if(paths,
                      [&](const fs::path& found) { return !names_split(found, root, spec.split); });
        if (paths.empty()) {
            return Error{.code = ErrorCode::FileMissing,
                         .message = fmt::format("'{}' asks for the part '{}', which no file name "
                                                "under {} contains.",
                                                spec.name, spec.split, path.string()),
                         .hint = "Remove `split` from the source, or give the part's own file."};
        }
    }
    std::sort(paths.begin(), paths.end());
    DataSource source{.name = spec.name,
                      .converter = spec.converter,
                      .columns = spec.columns,
                      .turns = spec.turns,
                      .fields = spec.fields};
    source.max_bad_rows = spec.max_bad_rows;
    Sha256 all;
    for (const fs::path& found : paths) {
        TRY(file, describe_file(found));
        std::error_code error;
        file.bytes = static_cast<int64_t>(fs::file_size(found, error));
        if (error) return missing(found, spec.name);
        file.modified_ns = modified_ns(found);
        const bool is_json = file.format == FileFormat::Json || file.format == FileFormat::Jsonl;
        if (is_json && file.compression == Compression::None) file.format = sniffed_json(file);
        if (hashing == Hashing::Yes) {
            TRY(hash, sha256_file(found));
            file.sha256 = hash;
            all.add_field(found.filename().string());
            all.add_field(hash);
        }
        source.files.push_back(std::move(file));
    }
    if (hashing == Hashing::Yes) source.sha256 = all.hex();
    return source;
}

Result<void> check_unchanged(const DataSource& source) {
    for (const SourceFile& file : source.files) {
        std::error_code error;
        const auto bytes = static_cast<int64_t>(fs::file_size(file.path, error));
        if (!error && bytes == file.bytes && modified_ns(file.path) == file.modified_ns) continue;
        return Error{.code = ErrorCode::BadData,
                     .message = fmt::format("{} of '{}' changed while it was read.",
                                            file.path.string(), source.name),
                     .hint = "Wait until it is written, then start again."};
    }
    return {};
}

}  // namespace dayrun::core
