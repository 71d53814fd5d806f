// The filter tojson: Python's json.dumps with ensure_ascii off, which templates show tools with.
// Neighbour: functions.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/tokens/jinja/functions.h"

namespace dayrun::core::jinja {
namespace {

class JsonWriter {
  public:
    JsonWriter(int64_t indent, std::string_view comma, std::string_view colon, bool sorts_keys,
               Budget& budget)
        : m_indent(indent),
          m_comma(comma),
          m_colon(colon),
          m_sorts_keys(sorts_keys),
          m_budget(budget) {}

    Result<void> write(const Value& value) {
        TRY_VOID(m_budget.spend());
        if (const Text* const text = value.text()) return write_text(*text);
        if (const List* const list = value.list()) return write_list(*list);
        if (const Dict* const dict = value.dict()) return write_dict(*dict);
        if (value.is_none()) return write_word("null");
        if (value.is_bool()) return write_word(value.integer() != 0 ? "true" : "false");
        if (value.is_real() && std::isinf(value.number())) {
            return write_word(value.number() < 0 ? "-Infinity" : "Infinity");
        }
        if (value.is_real() && std::isnan(value.number())) return write_word("NaN");
        if (!value.is_number()) {
            return render_error(
                fmt::format("tojson: a value of type {} is no JSON", value.type_name()));
        }
        TRY(text, to_text(value, m_budget));
        m_out.append(text);
        return {};
    }

    Text take() { return std::move(m_out); }

  private:
    Result<void> write_word(std::string_view word) {
        m_out.append(word);
        return {};
    }

    Result<void> write_text(const Text& text) {
        TRY_VOID(m_budget.spend_bytes(text.size()));
        m_out.append("\"");
        size_t kept = 0;
        const std::string& bytes = text.bytes();
        for (size_t i = 0; i < bytes.size(); ++i) {
            const std::string escaped = escape(bytes[i]);
            if (escaped.empty()) continue;
            m_out.append_part(text, kept, i);
            m_out.append(escaped);
            kept = i + 1;
        }
        m_out.append_part(text, kept, bytes.size());
        m_out.append("\"");
        return {};
    }

    static std::string escape(char c) {
        constexpr std::string_view kNames = "\"\\bfnrt";
        constexpr std::string_view kValues = "\"\\\b\f\n\r\t";
        const size_t known = kValues.find(c);
        if (known != std::string_view::npos) return std::string("\\") + kNames[known];
        const auto code = static_cast<unsigned char>(c);
        return code < 0x20 ? fmt::format("\\u{:04x}", code) : std::string();
    }

    void new_line() {
        if (m_indent < 0) return;
        m_out.append("\n" + std::string(static_cast<size_t>(m_indent * m_depth), ' '));
    }

    Result<void> write_list(const List& list) {
        m_out.append("[");
        ++m_depth;
        for (size_t i = 0; i < list.items.size(); ++i) {
            if (i > 0) m_out.append(m_comma);
            new_line();
            TRY_VOID(write(list.items[i]));
        }
        --m_depth;
        if (!list.items.empty()) new_line();
        m_out.append("]");
        return {};
    }

    Result<void> write_dict(const Dict& dict) {
        std::vector<const std::pair<Value, Value>*> items;
        for (const auto& item : dict.items) items.push_back(&item);
        if (m_sorts_keys) {
            std::stable_sort(items.begin(), items.end(), [](const auto* a, const auto* b) {
                return compare(a->first, b->first).value_or(0) < 0;
            });
        }
        m_out.append("{");
        ++m_depth;
        for (size_t i = 0; i < items.size(); ++i) {
            if (i > 0) m_out.append(m_comma);
            new_line();
            TRY_VOID(write_key(items[i]->first));
            m_out.append(m_colon);
            TRY_VOID(write(items[i]->second));
        }
        --m_depth;
        if (!items.empty()) new_line();
        m_out.append("}");
        return {};
    }

    Result<void> write_key(const Value& key) {
        if (const Text* const text = key.text()) return write_text(*text);
        m_out.append("\"");
        TRY_VOID(write(key));
        m_out.append("\"");
        return {};
    }

    int64_t m_indent;
    std::string_view m_comma, m_colon;
    bool m_sorts_keys;
    Budget& m_budget;
    int64_t m_depth = 0;
    Text m_out;
};

}  // namespace

Result<Text> to_json(const Value& value, int64_t indent, std::string_view comma,
                     std::string_view colon, bool sorts_keys, Budget& budget) {
    JsonWriter writer(indent, comma, colon, sorts_keys, budget);
    TRY_VOID(writer.write(value));
    return writer.take();
}

}  // namespace dayrun::core::jinja
