// Reads the project's own source tree for the house tests. Neighbours: test_rooms, test_files,
// test_style. One thread; a tree is read once per test.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::tests {

struct SourceFile {
    std::string path;  // relative to the project's root, with '/'
    std::vector<std::string> lines;

    /// "core" of "core/data/curate/mix.h".
    std::string room() const { return path.substr(0, path.find('/')); }
    /// "core/data" of "core/data/curate/mix.h".
    std::string folder() const { return path.substr(0, path.rfind('/')); }
    bool is_under(std::string_view prefix) const { return path.rfind(prefix, 0) == 0; }
    std::string extension() const { return std::filesystem::path(path).extension().string(); }
};

/// The C++ and CUDA files below `folders`, sorted by path.
std::vector<SourceFile> read_sources(const std::vector<std::string>& folders);

/// Every text file of the project's own: sources, scripts, CMake files, documents. Build folders,
/// hidden version control and data files (over 1 MiB, or holding a zero byte) are left out.
std::vector<SourceFile> read_texts();

/// What a line includes: `<vector>`, `"core/data/curate/mix.h"`, with its brackets or quotes; empty
/// when the line includes nothing.
std::string included_by(const std::string& line);
/// The same without them.
std::string bare(const std::string& included);

/// The lines with comments and the contents of string literals blanked out, so that a word is only
/// found where it is code. Line count and columns stay.
std::vector<std::string> code_of(const SourceFile& file);

/// The words for people: the comments of a source, a script, a CMake or an SQL file, every line of
/// a document. Line count stays.
std::vector<std::string> comments_of(const SourceFile& file);

/// "path:line: text", one a line, for a failing test's message.
std::string listed(const std::vector<std::string>& offenders);

/// "path:line: what" with lines counted from 1.
std::string at(const SourceFile& file, std::size_t line_index, std::string_view what);

}  // namespace dayrun::tests
