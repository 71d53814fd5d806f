// Numbers with their units, as people read them: bytes, durations, counts.
// Any thread. Inverse: parse_bytes for "23.0GiB" in recipes and on the command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dayrun::core {

/// 1536 -> "1.5 KiB"; binary units, three significant digits, "0 B" for zero.
std::string format_bytes(int64_t bytes);
/// 75.4 -> "1:15", 3661 -> "1:01:01", 0.42 -> "0.42 s", 0.0042 -> "4.2 ms"; h:mm:ss above a
/// minute.
std::string format_duration(double seconds);
/// 1234567 -> "1,234,567".
std::string format_count(int64_t count);
/// A count with its noun, given in the singular: (1, "row") -> "1 row", (1234, "row") -> "1,234
/// rows".
std::string count_of(int64_t count, std::string_view noun);
/// "23.0GiB", "800 MB", "4096" -> bytes. Decimal (kB MB GB TB) and binary (KiB MiB GiB TiB) units.
Result<int64_t> parse_bytes(std::string_view text);
/// The shortest decimal text that reads back to exactly the same double; "null" if not finite.
std::string shortest(double value);
/// The same for a float32, so that no digit is invented.
std::string shortest(float value);

}  // namespace dayrun::core
