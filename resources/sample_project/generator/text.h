// Small helpers for sentences: filling patterns, articles, lists, capitals. Beside it: random.h.
// Pure functions, any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::sample_generator {

// Replaces each "{}" of the pattern, from left to right, by the next value.
std::string fill(std::string_view pattern, std::initializer_list<std::string_view> values);

// "a cat", "an apple".
std::string with_article(std::string_view noun);

// {"a cat", "a dog", "a cow"} -> "a cat, a dog and a cow".
std::string listed(const std::vector<std::string>& items);

// {"cat", "dog"} -> "cat, dog".
std::string joined(const std::vector<std::string>& items, std::string_view between);

std::string capitalized(std::string text);

// The text as a JSON string with its quotes; texts here are ASCII.
std::string json_quoted(std::string_view text);

}  // namespace dayrun::sample_generator
