// nlohmann-json behind the strict door of strict_json.h.
#include "core/model/config/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <unordered_set>
#include <vector>

#include "core/base/atomic_file.h"

namespace dayrun::core {
namespace {

constexpr int kMaxDepth = 64;
constexpr uintmax_t kMaxFileBytes = 100'000'000;

/// Why our callback stopped the parser; the library has no way to say so itself.
struct Refused {
    std::string reason;
};

FilePosition position_at(std::string_view text, size_t byte, const std::filesystem::path& file) {
    const std::string_view before = text.substr(0, std::min(byte, text.size()));
    const size_t line_start = before.rfind('\n');
    return {.file = file.string(),
            .line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
            .column = static_cast<int>(
                line_start == std::string_view::npos ? before.size() : before.size() - line_start)};
}

Error damaged(const std::filesystem::path& file, std::string_view what, std::string_view reason) {
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("'{}' is not {}: {}.", file.string(), what, reason),
            .hint = "Get the file again from where the model comes from."};
}

template <typename Json>
Result<Json> parse(std::string_view text, const std::filesystem::path& file,
                   std::string_view what) {
    std::vector<std::unordered_set<std::string>> keys_of_open_objects;
    const auto watch = [&](int depth, typename Json::parse_event_t event, Json& value) {
        using Event = typename Json::parse_event_t;
        if (depth > kMaxDepth) throw Refused{"it is nested too deeply"};
        if (event == Event::object_start) {
            keys_of_open_objects.emplace_back();
        } else if (event == Event::object_end) {
            keys_of_open_objects.pop_back();
        } else if (event == Event::key) {
            const auto& key = value.template get_ref<const std::string&>();
            if (!keys_of_open_objects.back().insert(key).second) {
                throw Refused{fmt::format("it holds the key '{}' twice", key)};
            }
        }
        return true;
    };
    try {
        Json parsed = Json::parse(text.begin(), text.end(), watch);
        if (!parsed.is_object()) return damaged(file, what, "its JSON is not an object {…}");
        return parsed;
    } catch (const Refused& refused) {
        return damaged(file, what, refused.reason);
    } catch (const nlohmann::json::parse_error& failure) {
        Error error = damaged(file, what, "its JSON cannot be read");
        error.where = position_at(text, failure.byte > 0 ? failure.byte - 1 : 0, file);
        error.detail = failure.what();
        return error;
    } catch (const nlohmann::json::exception& failure) {  // a number beyond double
        Error error = damaged(file, what, "its JSON holds a value out of range");
        error.detail = failure.what();
        return error;
    }
}

}  // namespace

Result<nlohmann::json> parse_json_object(std::string_view text, const std::filesystem::path& file,
                                         std::string_view what) {
    return parse<nlohmann::json>(text, file, what);
}

Result<nlohmann::ordered_json> parse_ordered_json_object(std::string_view text,
                                                         const std::filesystem::path& file,
                                                         std::string_view what) {
    return parse<nlohmann::ordered_json>(text, file, what);
}

Result<std::string> read_json_text(const std::filesystem::path& file, std::string_view what) {
    std::error_code ignored;
    if (const auto bytes = std::filesystem::file_size(file, ignored);
        !ignored && bytes > kMaxFileBytes) {
        return damaged(file, what, "it is larger than 100 MB");
    }
    return read_file(file);
}

Result<nlohmann::json> read_json_object(const std::filesystem::path& file, std::string_view what) {
    TRY(text, read_json_text(file, what));
    return parse_json_object(text, file, what);
}

}  // namespace dayrun::core
