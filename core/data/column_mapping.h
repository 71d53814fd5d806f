// Which column of a file fills which field of a sample, as `data[].columns` takes it: proposed by
// what a converter made of the first rows, else by the columns' usual names. Neighbours: inspect.h
// proposes, the import sheet and the recipe edit, convert_columns (converters/) obeys.
// Plain values: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/data/sample.h"
#include "core/data/value.h"

namespace dayrun::core {

/// (sample field, file column).
using ColumnMapping = std::vector<std::pair<std::string, std::string>>;

/// The fields that a mapping can fill.
inline constexpr std::array<std::string_view, 5> kMappedFields{"instruction", "input", "response",
                                                               "system", "text"};

/// A mapping by the usual names of columns; empty when none reads like a reply or a text.
ColumnMapping mapping_by_names(std::span<const std::string> columns);

/// A mapping by what a converter did: the columns whose very text became a field.
class ObservedMapping {
  public:
    void add(const Value& row, const Sample& sample);
    /// Fields that one column filled in nearly all rows where they have text. Others are worded by
    /// the converter; when no question or no reply is left, the mapping is empty.
    ColumnMapping mapping() const;

  private:
    struct Field {
        int64_t rows = 0;                        // in which it has text
        std::map<std::string, int64_t> columns;  // rows in which this column is that text
    };
    std::array<Field, kMappedFields.size()> m_fields;
};

/// "{instruction: question, response: answer}", as the recipe writes it.
std::string mapping_yaml(const ColumnMapping& mapping);

}  // namespace dayrun::core
