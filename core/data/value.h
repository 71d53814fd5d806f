// One value of a row as a file holds it: JSON-like, with the order of an object's members kept,
// since BIG-bench's choices depend on it. Readers make Values, converters read them; no library's
// type appears here. A reader fills the same Value row by row, so that its texts keep their memory.
// Plain values: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dayrun::core {

struct Member;

class Value {
  public:
    using Array = std::vector<Value>;
    using Object = std::vector<Member>;

    Value();
    Value(bool value);
    Value(int64_t value);
    Value(double value);
    Value(std::string value);
    Value(std::string_view value);
    Value(const char* value);
    Value(Array value);
    Value(Object value);
    Value(const Value& other);
    Value(Value&& other) noexcept;
    Value& operator=(const Value& other);
    Value& operator=(Value&& other) noexcept;
    ~Value();

    bool is_null() const { return m_value.index() == 0; }
    bool is_bool() const { return m_value.index() == 1; }
    bool is_integer() const { return m_value.index() == 2; }
    bool is_number() const { return m_value.index() == 2 || m_value.index() == 3; }
    bool is_string() const { return m_value.index() == 4; }
    bool is_array() const { return m_value.index() == 5; }
    bool is_object() const { return m_value.index() == 6; }

    bool boolean() const { return is_bool() && std::get<bool>(m_value); }
    int64_t integer() const;
    double number() const;
    /// The text of a string; "" for any other type.
    const std::string& string() const;
    /// The text, to be written; anything else becomes "" first.
    std::string& string();
    /// The elements of an array; empty for any other type.
    const Array& array() const;
    /// Anything else becomes an empty array first; so with object().
    Array& array();
    /// The members of an object in file order; empty for any other type.
    const Object& object() const;
    Object& object();

    /// The member `name`, or null when this is no object or has no such member.
    const Value* find(std::string_view name) const;
    Value* find(std::string_view name);

    /// What an answer or a cell reads like: strings as they are, integers and whole doubles without
    /// ".0", true/false, "" for null; arrays and objects as JSON.
    std::string text() const;
    /// JSON on one line, without escaping what UTF-8 can hold.
    std::string json() const;
    /// "string", "integer", "number", "boolean", "null", "list of string", "object".
    std::string type_name() const;

  private:
    std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> m_value;
};

/// One member of an object.
struct Member {
    std::string name;
    Value value;
};

// Behind Member: what may destroy an Object needs to know the whole of it.
inline Value::Value() = default;
inline Value::Value(bool value) : m_value(value) {}
inline Value::Value(int64_t value) : m_value(value) {}
inline Value::Value(double value) : m_value(value) {}
inline Value::Value(std::string value) : m_value(std::move(value)) {}
inline Value::Value(std::string_view value) : m_value(std::string(value)) {}
inline Value::Value(const char* value) : m_value(std::string(value)) {}
inline Value::Value(Array value) : m_value(std::move(value)) {}
inline Value::Value(Object value) : m_value(std::move(value)) {}
inline Value::Value(const Value& other) = default;
inline Value::Value(Value&& other) noexcept = default;
inline Value& Value::operator=(const Value& other) = default;
inline Value& Value::operator=(Value&& other) noexcept = default;
inline Value::~Value() = default;

/// "an integer", "a list of string", "null", for messages.
std::string with_article(const std::string& type_name);
/// Names of an object's members, as "question, answer", for messages.
std::string member_names(const Value& object);

}  // namespace dayrun::core
