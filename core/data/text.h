// Small questions about a row's text: valid UTF-8, words, lower case, a hash of its content.
// Plain functions: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dayrun::core {

bool is_valid_utf8(std::string_view text);
/// What is known about a text's bytes.
enum class Utf8 { Unchecked, Checked };
/// The largest position <= `position` that does not stand inside a UTF-8 sequence.
size_t utf8_floor(std::string_view text, size_t position);
/// Runs of anything but ASCII white space.
int64_t count_words(std::string_view text);
bool is_blank(std::string_view text);
std::string_view trim(std::string_view text);
/// Lower case of Latin, Greek and Cyrillic letters; everything else stays.
std::string to_lower(std::string_view text);
/// 64 bits over the bytes, the same on every machine; for duplicates and groups, not for security.
uint64_t hash_text(std::string_view text, uint64_t seed = 0);

}  // namespace dayrun::core
