// Body of column_mapping.h.
#include "core/data/column_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "core/data/text.h"

namespace dayrun::core {
namespace {

/// A column belongs to a field when it was its text in this share of the rows.
constexpr double kNearlyAll = 0.9;

struct UsualNames {
    std::string_view field;
    std::array<std::string_view, 8> names;
};
constexpr std::array<UsualNames, kMappedFields.size()> kUsual{
    {{"instruction",
      {"instruction", "prompt", "question", "query", "task", "problem", "request", "title"}},
     {"input", {"input", "context", "passage", "article", "document", "source", "background"}},
     {"response",
      {"response", "output", "answer", "completion", "reply", "target", "summary", "solution"}},
     {"system", {"system", "system_prompt"}},
     {"text", {"text", "content", "body"}}}};

std::optional<std::string> first_of(std::span<const std::string> columns,
                                    std::span<const std::string_view> names) {
    for (const std::string_view name : names) {
        for (const std::string& column : columns) {
            if (!name.empty() && to_lower(column) == name) return column;
        }
    }
    return std::nullopt;
}

/// A text stands alone; a question without an answer is nothing to train on, nor the reverse.
ColumnMapping usable(ColumnMapping mapping) {
    const auto has = [&](std::string_view field) {
        return std::any_of(mapping.begin(), mapping.end(),
                           [&](const auto& entry) { return entry.first == field; });
    };
    const bool is_exchange = has("response") && (has("instruction") || has("input"));
    std::erase_if(mapping,
                  [&](const auto& entry) { return (entry.first == "text") == is_exchange; });
    return mapping;
}

bool is_plain_word(std::string_view text) {
    const auto is_plain = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    };
    return !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
           std::all_of(text.begin(), text.end(), is_plain);
}

}  // namespace

ColumnMapping mapping_by_names(std::span<const std::string> columns) {
    ColumnMapping mapping;
    for (const UsualNames& usual : kUsual) {
        if (auto found = first_of(columns, usual.names)) {
            mapping.emplace_back(usual.field, std::move(*found));
        }
    }
    return usable(std::move(mapping));
}

void ObservedMapping::add(const Value& row, const Sample& sample) {
    for (size_t i = 0; i < kMappedFields.size(); ++i) {
        const std::string_view text = sample.field(kMappedFields[i]);
        if (is_blank(text)) continue;
        ++m_fields[i].rows;
        for (const Member& member : row.object()) {
            const bool is_plain = !member.value.is_array() && !member.value.is_object();
            if (is_plain && member.value.text() == text) ++m_fields[i].columns[member.name];
        }
    }
}

ColumnMapping ObservedMapping::mapping() const {
    ColumnMapping found;
    for (size_t i = 0; i < kMappedFields.size(); ++i) {
        const Field& field = m_fields[i];
        const auto most =
            std::max_element(field.columns.begin(), field.columns.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        if (most == field.columns.end()) continue;
        if (static_cast<double>(most->second) < kNearlyAll * static_cast<double>(field.rows)) {
            continue;
        }
        found.emplace_back(kMappedFields[i], most->first);
    }
    return usable(std::move(found));
}

std::string mapping_yaml(const ColumnMapping& mapping) {
    std::string yaml;
    for (const auto& [field, column] : mapping) {
        const std::string shown = is_plain_word(column) ? column : Value(column).json();
        yaml += fmt::format("{}{}: {}", yaml.empty() ? "" : ", ", field, shown);
    }
    return "{" + yaml + "}";
}

}  // namespace dayrun::core
