// One JSON object read field by field: a missing, ill-typed or out-of-range value is remembered as
// the first Error, so that the reader stays a straight list of fields. One thread.
// Neighbours: model_config.cpp, rope_scaling.cpp, adapter_config.cpp.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dayrun::core {

/// The range a number must lie in, both ends included.
struct IntRange {
    int64_t low = 1;
    int64_t high = INT64_MAX;
};

class ConfigFields {
  public:
    /// `object` must outlive the reader; `file` names it in errors.
    ConfigFields(const nlohmann::json& object, std::string file)
        : m_object(object), m_file(std::move(file)) {}

    /// The first of the names that is there and not null; a number in range, else an error.
    int64_t required_int(std::initializer_list<std::string_view> names, IntRange range);
    int64_t required_int(std::string_view name, IntRange range) {
        return required_int({name}, range);
    }
    /// Missing and null give nothing.
    std::optional<int64_t> optional_int(std::initializer_list<std::string_view> names,
                                        IntRange range);
    std::optional<int64_t> optional_int(std::string_view name, IntRange range) {
        return optional_int({name}, range);
    }
    /// A finite number above zero.
    std::optional<double> optional_positive(std::initializer_list<std::string_view> names);
    std::optional<double> optional_positive(std::string_view name) {
        return optional_positive({name});
    }
    bool boolean(std::string_view name, bool fallback);
    std::string text(std::string_view name, std::string_view fallback);

    /// The raw value, or null when missing.
    const nlohmann::json& raw(std::string_view name) const;
    bool has(std::string_view name) const { return !raw(name).is_null(); }
    /// Not in the file at all; a null is there.
    bool is_missing(std::string_view name) const { return !m_object.contains(name); }

    /// Remembers the error unless there is one already.
    void fail(std::string message, std::string hint = "");
    bool failed() const { return m_error.has_value(); }
    const Error& error() const { return *m_error; }
    const std::string& file() const { return m_file; }

  private:
    const nlohmann::json* first_of(std::initializer_list<std::string_view> names,
                                   std::string_view& name) const;
    std::optional<int64_t> to_int(const nlohmann::json& value, std::string_view name,
                                  IntRange range);

    const nlohmann::json& m_object;
    std::string m_file;
    std::optional<Error> m_error;
};

}  // namespace dayrun::core
