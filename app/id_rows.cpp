// Neighbour: id_rows.h.
#include "app/id_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

namespace dayrun::app {
namespace {

using Json = nlohmann::json;

core::Error bad_row(const std::string& file, int line, std::string message) {
    return {.code = core::ErrorCode::BadData,
            .message = std::move(message),
            .hint = "Each line is {\"input_ids\": [...], \"labels\": [...]}; labels may be absent.",
            .where = {file, line, 0}};
}

bool is_id_list(const Json& value) {
    return value.is_array() && std::all_of(value.begin(), value.end(),
                                           [](const Json& id) { return id.is_number_integer(); });
}

}  // namespace

core::Result<std::vector<core::PackedRow>> read_id_rows(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        return core::Error{.code = core::ErrorCode::FileMissing,
                           .message = fmt::format("'{}' cannot be read: {}.", path,
                                                  std::generic_category().message(errno)),
                           .hint = "Check the path and its permissions."};
    }
    std::vector<core::PackedRow> rows;
    int line_number = 0;
    for (std::string line; std::getline(file, line);) {
        ++line_number;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        const Json value = Json::parse(line, nullptr, false);
        if (!value.is_object() || !value.contains("input_ids") || !is_id_list(value["input_ids"])) {
            return bad_row(path, line_number, "The row has no list input_ids.");
        }
        core::PackedRow row;
        row.tokens = value["input_ids"].get<std::vector<int32_t>>();
        row.labels = row.tokens;
        if (value.contains("labels")) {
            if (!is_id_list(value["labels"]) || value["labels"].size() != row.tokens.size()) {
                return bad_row(path, line_number, "labels is not a list as long as input_ids.");
            }
            row.labels = value["labels"].get<std::vector<int32_t>>();
        }
        if (row.tokens.size() < 2) {
            return bad_row(path, line_number, "The row has fewer than 2 tokens.");
        }
        row.documents.push_back({.sample_id = rows.size(),
                                 .source_index = 0,
                                 .begin = 0,
                                 .end = static_cast<int32_t>(row.tokens.size())});
        row.target_token_count =
            std::count_if(row.labels.begin() + 1, row.labels.end(),
                          [](int32_t label) { return label != core::kIgnoreLabel; });
        rows.push_back(std::move(row));
    }
    if (rows.empty()) return bad_row(path, 0, "The file holds no row.");
    return rows;
}

}  // namespace dayrun::app
