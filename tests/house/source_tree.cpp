// Body of source_tree.h.
#include "tests/house/source_tree.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>

namespace dayrun::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = DAYRUN_SOURCE_DIR;
constexpr std::uintmax_t kLargestTextBytes = 1 << 20;

SourceFile read_lines(const fs::path& path) {
    SourceFile file{.path = fs::relative(path, kRoot).generic_string(), .lines = {}};
    std::ifstream stream(path);
    for (std::string line; std::getline(stream, line);) file.lines.push_back(std::move(line));
    return file;
}

bool is_source(const fs::path& path) {
    static const std::set<std::string> s_extensions = {".h", ".cpp", ".cu", ".cuh", ".inc"};
    return s_extensions.count(path.extension().string()) != 0;
}

bool holds_zero_byte(const SourceFile& file) {
    return std::any_of(file.lines.begin(), file.lines.end(), [](const std::string& line) {
        return line.find('\0') != std::string::npos;
    });
}

// Build folders lie in the root and are ignored by git; what else is hidden there is no source, nor
// is what the sample's rebuild.sh leaves beside it.
bool is_skipped_folder(const fs::path& path) {
    const std::string name = path.filename().string();
    if (name == "work" && path.parent_path() == kRoot / "resources/sample_project") return true;
    if (path.parent_path() != kRoot) return false;
    return name == ".git" || name == ".cache" || name.rfind("build", 0) == 0;
}

void sort_by_path(std::vector<SourceFile>& files) {
    std::sort(files.begin(), files.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
}

// One line taken apart; what belongs to the other part, and literals, are blanks.
struct ParsedLine {
    std::string code;
    std::string comment;
};

// `in_comment` carries a block comment over.
ParsedLine parsed(const std::string& line, bool& in_comment) {
    std::string code(line.size(), ' '), comment(line.size(), ' ');
    for (std::size_t i = 0; i < line.size(); ++i) {
        const std::string_view rest = std::string_view(line).substr(i);
        if (in_comment) {
            if (rest.rfind("*/", 0) == 0) {
                in_comment = false;
                ++i;
            } else {
                comment[i] = line[i];
            }
            continue;
        }
        if (rest.rfind("//", 0) == 0) {
            comment.replace(i, std::string::npos, rest);
            break;
        }
        if (rest.rfind("/*", 0) == 0) {
            in_comment = true;
            ++i;
            continue;
        }
        code[i] = line[i];
        const bool is_digit_separator = line[i] == '\'' && i > 0 && std::isalnum(line[i - 1]);
        if ((line[i] == '"' || line[i] == '\'') && !is_digit_separator) {
            const char quote = line[i];
            for (++i; i < line.size() && line[i] != quote; ++i) {
                if (line[i] == '\\') ++i;
            }
            if (i < line.size()) code[i] = quote;
        }
    }
    return {std::move(code), std::move(comment)};
}

// The comment of a line of a script, a CMake or an SQL file: from the mark at its beginning or
// after a blank.
std::string after_mark(const std::string& line, std::string_view mark) {
    for (std::size_t i = line.find(mark); i != std::string::npos; i = line.find(mark, i + 1)) {
        if (i == 0 || std::isspace(static_cast<unsigned char>(line[i - 1]))) return line.substr(i);
    }
    return {};
}

}  // namespace

std::vector<SourceFile> read_sources(const std::vector<std::string>& folders) {
    std::vector<SourceFile> files;
    for (const std::string& folder : folders) {
        if (!fs::exists(kRoot / folder)) continue;
        for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
            if (entry.is_regular_file() && is_source(entry.path())) {
                files.push_back(read_lines(entry.path()));
            }
        }
    }
    sort_by_path(files);
    return files;
}

std::vector<SourceFile> read_texts() {
    std::vector<SourceFile> files;
    for (auto it = fs::recursive_directory_iterator(kRoot); it != end(it); ++it) {
        if (it->is_directory() && is_skipped_folder(it->path())) {
            it.disable_recursion_pending();
            continue;
        }
        if (!it->is_regular_file() || it->file_size() > kLargestTextBytes) continue;
        SourceFile file = read_lines(it->path());
        if (!holds_zero_byte(file)) files.push_back(std::move(file));
    }
    sort_by_path(files);
    return files;
}

std::string included_by(const std::string& line) {
    // Kept out of the test classes: moc stops at a raw string that holds a quote.
    static const std::regex s_include(R"(^\s*#\s*include\s*([<"][^>"]+[>"]))");
    std::smatch match;
    return std::regex_search(line, match, s_include) ? match[1].str() : std::string();
}

std::string bare(const std::string& included) {
    return included.substr(1, included.size() - 2);
}

std::vector<std::string> code_of(const SourceFile& file) {
    std::vector<std::string> code;
    bool in_comment = false;
    for (const std::string& line : file.lines) code.push_back(parsed(line, in_comment).code);
    return code;
}

std::vector<std::string> comments_of(const SourceFile& file) {
    if (file.extension() == ".md") return file.lines;
    std::vector<std::string> comments;
    bool in_comment = false;
    for (const std::string& line : file.lines) {
        if (is_source(file.path)) {
            comments.push_back(parsed(line, in_comment).comment);
        } else {
            comments.push_back(after_mark(line, file.extension() == ".sql" ? "--" : "#"));
        }
    }
    return comments;
}

std::string listed(const std::vector<std::string>& offenders) {
    std::string text;
    for (const std::string& offender : offenders) text += "\n    " + offender;
    return text;
}

std::string at(const SourceFile& file, std::size_t line_index, std::string_view what) {
    return file.path + ":" + std::to_string(line_index + 1) + ": " + std::string(what);
}

}  // namespace dayrun::tests
