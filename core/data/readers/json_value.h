// JSON text into a Value; the only door to simdjson. One JsonParser per thread: it keeps its
// buffers from row to row.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/result.h"
#include "core/data/text.h"
#include "core/data/value.h"

namespace dayrun::core {

class JsonParser {
  public:
    JsonParser();
    ~JsonParser();
    JsonParser(JsonParser&&) noexcept;

    /// The whole text as one value; Python's NaN and Infinity read as null. BadData with a plain
    /// reason ("a string is not closed"), and in `detail` the library's own words; UTF-8 is
    /// checked.
    Result<Value> parse(std::string_view text);
    /// The same for a text with kTextPadding (record_splitter.h) readable bytes behind it, into a
    /// value whose memory is used again: no copy of the text, and no allocation for a row like the
    /// one before.
    Result<void> parse_padded(std::string_view text, Utf8 utf8, Value& value);

  private:
    Result<void> parse_strict(std::string_view padded, Value& value);
    std::string_view padded_copy(std::string_view text);

    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace dayrun::core
