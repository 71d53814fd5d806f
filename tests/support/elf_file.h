// What a program or shared object tells the loader: which libraries it needs and where they are
// looked for. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dayrun::tests {

struct ElfFile {
    std::vector<std::string> needed;  // DT_NEEDED, for example libc.so.6
    std::vector<std::string> paths;   // DT_RPATH and DT_RUNPATH as they stand, folders between ':'
};

/// Nothing when the file is no program and no shared object for 64 bits, little-endian.
/// Throws std::runtime_error when it is one and its tables cannot be read.
std::optional<ElfFile> read_elf(const std::filesystem::path& path);

/// The folders of a search path that the loader would take relative to the current folder: empty
/// ones, and those that begin neither with a '/' nor with $ORIGIN, the folder of the file itself.
std::vector<std::string> relative_folders(const std::string& search_path);

}  // namespace dayrun::tests
