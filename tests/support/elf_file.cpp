// Body of elf_file.h: header, program headers, dynamic section, its strings.
#include "tests/support/elf_file.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <stdexcept>

namespace dayrun::tests {
namespace {

template <class Value>
Value read_at(std::ifstream& file, std::uint64_t offset) {
    Value value{};
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(reinterpret_cast<char*>(&value), sizeof value);
    if (!file) throw std::runtime_error("the file ends inside its tables");
    return value;
}

std::vector<Elf64_Phdr> read_segments(std::ifstream& file, const Elf64_Ehdr& header) {
    std::vector<Elf64_Phdr> segments;
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        segments.push_back(
            read_at<Elf64_Phdr>(file, header.e_phoff + i * std::uint64_t{header.e_phentsize}));
    }
    return segments;
}

// Where the byte that is loaded at `address` stands in the file.
std::uint64_t offset_of(const std::vector<Elf64_Phdr>& segments, std::uint64_t address) {
    for (const Elf64_Phdr& segment : segments) {
        const bool is_inside = segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
                               address - segment.p_vaddr < segment.p_filesz;
        if (is_inside) return segment.p_offset + (address - segment.p_vaddr);
    }
    throw std::runtime_error("an address lies in no segment");
}

std::string read_text(std::ifstream& file, std::uint64_t offset) {
    std::string text;
    file.seekg(static_cast<std::streamoff>(offset));
    if (!std::getline(file, text, '\0')) throw std::runtime_error("a name cannot be read");
    return text;
}

}  // namespace

std::optional<ElfFile> read_elf(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    Elf64_Ehdr header{};
    file.read(reinterpret_cast<char*>(&header), sizeof header);
    const bool is_elf = file && std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
                        header.e_ident[EI_CLASS] == ELFCLASS64 &&
                        header.e_ident[EI_DATA] == ELFDATA2LSB;
    if (!is_elf || (header.e_type != ET_EXEC && header.e_type != ET_DYN)) return std::nullopt;

    const std::vector<Elf64_Phdr> segments = read_segments(file, header);
    std::vector<Elf64_Dyn> entries;
    std::uint64_t strings = 0;
    for (const Elf64_Phdr& segment : segments) {
        if (segment.p_type != PT_DYNAMIC) continue;
        for (std::uint64_t at = 0; at < segment.p_filesz; at += sizeof(Elf64_Dyn)) {
            entries.push_back(read_at<Elf64_Dyn>(file, segment.p_offset + at));
            if (entries.back().d_tag == DT_NULL) break;
            if (entries.back().d_tag == DT_STRTAB) {
                strings = offset_of(segments, entries.back().d_un.d_ptr);
            }
        }
    }
    ElfFile found;
    for (const Elf64_Dyn& entry : entries) {
        if (entry.d_tag == DT_NEEDED) {
            found.needed.push_back(read_text(file, strings + entry.d_un.d_val));
        } else if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH) {
            found.paths.push_back(read_text(file, strings + entry.d_un.d_val));
        }
    }
    return found;
}

std::vector<std::string> relative_folders(const std::string& search_path) {
    std::vector<std::string> relative;
    for (std::size_t begin = 0; begin <= search_path.size();) {
        const std::size_t end = std::min(search_path.find(':', begin), search_path.size());
        const std::string folder = search_path.substr(begin, end - begin);
        const bool is_fixed = folder.starts_with('/') || folder == "$ORIGIN" ||
                              folder.starts_with("$ORIGIN/") || folder == "${ORIGIN}" ||
                              folder.starts_with("${ORIGIN}/");
        if (!is_fixed) relative.push_back(folder);
        begin = end + 1;
    }
    return relative;
}

}  // namespace dayrun::tests
