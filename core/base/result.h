// Result<T>: a value or an Error, and TRY to pass the error on. g++ 12 in C++20 has no
// std::expected. Neighbour: error.h. Plain values: any thread.
#pragma once

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/base/error.h"

namespace dayrun::core {

/// Either a T or an Error. Reading the absent one is a programmer's fault and aborts.
template <typename T>
class [[nodiscard]] Result {
    static_assert(!std::is_same_v<T, Error>, "Result<Error> cannot tell success from failure");

  public:
    Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}
    /// Lets a derived unique_ptr or a literal become the T directly.
    template <typename U>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::decay_t<U>, T> &&
             !std::is_same_v<std::decay_t<U>, Error> && !std::is_same_v<std::decay_t<U>, Result<T>>)
        Result(U&& value)
        : m_state(std::in_place_index<0>, std::forward<U>(value)) {}

    bool ok() const { return m_state.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & { return *checked(std::get_if<0>(&m_state)); }
    const T& value() const& { return *checked(std::get_if<0>(&m_state)); }
    T&& value() && { return std::move(*checked(std::get_if<0>(&m_state))); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const& { return *checked(std::get_if<1>(&m_state)); }
    Error&& error() && { return std::move(*checked(std::get_if<1>(&m_state))); }

    T value_or(T fallback) const& { return ok() ? value() : std::move(fallback); }

  private:
    template <typename P>
    static P* checked(P* pointer) {
        if (pointer == nullptr) std::abort();
        return pointer;
    }

    std::variant<T, Error> m_state;
};

/// Success without a value, or an Error: `return {};` is success.
template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : m_error(std::move(error)) {}

    bool ok() const { return !m_error.has_value(); }
    explicit operator bool() const { return ok(); }
    const Error& error() const& {
        if (!m_error) std::abort();
        return *m_error;
    }
    Error&& error() && {
        if (!m_error) std::abort();
        return std::move(*m_error);
    }

  private:
    std::optional<Error> m_error;
};

}  // namespace dayrun::core

#define DAYRUN_JOIN_(a, b) a##b
#define DAYRUN_JOIN(a, b) DAYRUN_JOIN_(a, b)

// Declares `name` with the value of a Result, or returns its Error to the caller.
#define TRY_AS_(temporary, name, ...)                         \
    auto temporary = (__VA_ARGS__);                           \
    if (!temporary.ok()) return std::move(temporary).error(); \
    auto name = std::move(temporary).value()
#define TRY(name, ...) TRY_AS_(DAYRUN_JOIN(try_result_, __LINE__), name, __VA_ARGS__)

// The same for a Result<void>.
#define TRY_VOID(...)                                               \
    do {                                                            \
        auto try_result = (__VA_ARGS__);                            \
        if (!try_result.ok()) return std::move(try_result).error(); \
    } while (false)
