// Texts of numbers. Neighbour: units.h.
#include "core/base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace dayrun::core {
namespace {

struct Unit {
    std::string_view name;
    double bytes;
};

constexpr std::array<Unit, 14> kUnits{{{"", 1},
                                       {"B", 1},
                                       {"kB", 1e3},
                                       {"KB", 1e3},
                                       {"MB", 1e6},
                                       {"GB", 1e9},
                                       {"TB", 1e12},
                                       {"KiB", 1024.0},
                                       {"MiB", 1048576.0},
                                       {"GiB", 1073741824.0},
                                       {"TiB", 1099511627776.0},
                                       {"K", 1024.0},
                                       {"M", 1048576.0},
                                       {"G", 1073741824.0}}};

template <typename Float>
std::string shortest_of(Float value) {
    if (!std::isfinite(value)) return "null";
    std::array<char, 64> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

}  // namespace

std::string format_bytes(int64_t bytes) {
    static constexpr std::array<const char*, 5> kNames{"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    while (std::abs(value) >= 1024.0 && unit + 1 < kNames.size()) {
        value /= 1024.0;
        ++unit;
    }
    if (unit == 0) return fmt::format("{} B", bytes);
    const double size = std::abs(value);
    const int digits = size < 10 ? 2 : size < 100 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, digits, kNames[unit]);
}

std::string format_duration(double seconds) {
    if (!std::isfinite(seconds)) return "unknown";
    if (seconds < 0) return "-" + format_duration(-seconds);
    if (seconds > 0 && seconds < 0.01) return fmt::format("{:.2g} ms", 1000 * seconds);
    if (seconds < 10) return fmt::format("{:.2f} s", seconds);
    if (seconds < 59.5) return fmt::format("{:.0f} s", seconds);
    const auto total = static_cast<int64_t>(std::llround(seconds));
    const int64_t hours = total / 3600;
    const int64_t minutes = total / 60 % 60;
    const int64_t rest = total % 60;
    if (hours > 0) return fmt::format("{}:{:02}:{:02} h", hours, minutes, rest);
    return fmt::format("{}:{:02} min", minutes, rest);
}

std::string format_count(int64_t count) {
    std::string digits = std::to_string(count);
    const size_t first = digits[0] == '-' ? 1 : 0;
    for (size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, ",");
    return digits;
}

std::string count_of(int64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

Result<int64_t> parse_bytes(std::string_view text) {
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    if (code == std::errc() && std::isfinite(value) && value >= 0) {
        for (const Unit& known : kUnits) {
            const double bytes = value * known.bytes;
            if (known.name == unit && bytes < 9.0e18) return static_cast<int64_t>(bytes);
        }
    }
    return Error{.code = ErrorCode::BadUsage,
                 .message = fmt::format("'{}' is not an amount of bytes.", text),
                 .hint = "Write a number and a unit, for example 23.0GiB or 800MB."};
}

std::string shortest(double value) {
    return shortest_of(value);
}
std::string shortest(float value) {
    return shortest_of(value);
}

}  // namespace dayrun::core
