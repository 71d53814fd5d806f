// The columns that our Arrow IPC files have: whole numbers and lists of them, none ever missing.
// Neighbours: arrow_writer, arrow_reader. Values, no thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dayrun::core {

enum class ArrowKind : uint8_t { UInt8, Int32, UInt64, Int32List, UInt32List };

struct ArrowColumn {
    std::string name;
    ArrowKind kind = ArrowKind::Int32;
    bool operator==(const ArrowColumn&) const = default;
};
using ArrowColumns = std::vector<ArrowColumn>;

inline bool is_list(ArrowKind kind) {
    return kind == ArrowKind::Int32List || kind == ArrowKind::UInt32List;
}

/// Bytes of a number, or of a list's.
inline size_t width_of(ArrowKind kind) {
    if (kind == ArrowKind::UInt8) return 1;
    return kind == ArrowKind::UInt64 ? 8 : 4;
}

/// What a file begins and ends with; at its front two zero bytes follow.
inline constexpr char kArrowMagic[] = {'A', 'R', 'R', 'O', 'W', '1'};
/// Stands before the length of each message's metadata.
inline constexpr uint32_t kArrowMessage = 0xFFFFFFFF;
inline constexpr size_t kArrowAlignment = 8;

}  // namespace dayrun::core
