// The quick check of UAX #15, section 9, and utf8proc for what it does not settle. Neighbour:
// normal_form.h.
#include "core/tokens/bpe/normal_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {
namespace {

/// A character that the form changes, or that may melt into the one before it. Every other
/// character's class is its canonical combining class: 0 to 240, 0 being where a stretch may begin.
constexpr uint8_t kUnsettled = 255;
/// The longest decomposition, that of U+FDFA, has 18 characters.
constexpr size_t kMostParts = 32;

bool is_composing(int options) {
    return (options & UTF8PROC_COMPOSE) != 0;
}

uint8_t combining_class(int32_t code) {
    return static_cast<uint8_t>(utf8proc_get_property(code)->combining_class);
}

/// Appends the full decomposition of a character.
void decompose(int32_t code, int options, std::vector<int32_t>& codes) {
    int32_t parts[kMostParts];
    int boundary = 0;
    const auto count = utf8proc_decompose_char(code, parts, kMostParts,
                                               static_cast<utf8proc_option_t>(options), &boundary);
    codes.insert(codes.end(), parts, parts + std::clamp<utf8proc_ssize_t>(count, 0, kMostParts));
}

/// Puts decomposed characters into their canonical order and composes them if the form does.
void finish(std::vector<int32_t>& codes, int options) {
    // A stable sort of each run of marks: utf8proc's own takes quadratic time on a long run.
    for (auto at = codes.begin(); at != codes.end();) {
        const auto is_mark = [](int32_t code) { return combining_class(code) != 0; };
        const auto begin = std::find_if(at, codes.end(), is_mark);
        at = std::find_if_not(begin, codes.end(), is_mark);
        std::stable_sort(begin, at, [](int32_t a, int32_t b) {
            return combining_class(a) < combining_class(b);
        });
    }
    if (!is_composing(options)) return;
    const auto count =
        utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                                 static_cast<utf8proc_option_t>(options));
    codes.resize(static_cast<size_t>(std::max<utf8proc_ssize_t>(count, 0)));
}

std::vector<uint8_t> make_classes(int options) {
    std::vector<uint8_t> classes(kCodePoints, 0);
    std::vector<int32_t> codes, seconds;
    const int canonical = options & ~UTF8PROC_COMPAT;
    const auto is_kept = [&](int32_t code, int how) {
        codes.clear();
        decompose(code, how, codes);
        if (codes.empty()) return false;
        if (codes.size() == 1 && codes[0] == code) return true;
        const int32_t last = codes.back();
        finish(codes, how);
        if (codes.size() != 1 || codes[0] != code) return false;
        seconds.push_back(last);  // what composes to this character ends with it
        return true;
    };
    for_assigned([&](int32_t code) {
        const bool is_surrogate = code >= 0xD800 && code < 0xE000;
        const bool is_quiet = is_surrogate || (is_kept(code, canonical) &&
                                               (options == canonical || is_kept(code, options)));
        classes[static_cast<size_t>(code)] = is_quiet ? combining_class(code) : kUnsettled;
    });
    for (const int32_t second : seconds) classes[static_cast<size_t>(second)] = kUnsettled;
    return classes;
}

/// The first byte from `at` that is not ASCII.
size_t skip_ascii(std::string_view text, size_t at) {
    while (at + 8 <= text.size()) {
        uint64_t bytes = 0;
        std::memcpy(&bytes, text.data() + at, 8);
        if ((bytes & 0x8080808080808080u) != 0) break;
        at += 8;
    }
    while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
    return at;
}

bool is_broken(Utf8Char next) {
    return next.code == 0xFFFD && next.size == 1;
}

}  // namespace

NormalForm::NormalForm(int options) : m_options(options), m_classes(make_classes(options)) {}

const NormalForm* NormalForm::named(std::string_view name) {
    constexpr int kCompose = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    constexpr int kDecompose = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    if (name == "NFC") {
        static const NormalForm s_form(kCompose);
        return &s_form;
    }
    if (name == "NFD") {
        static const NormalForm s_form(kDecompose);
        return &s_form;
    }
    if (name == "NFKC") {
        static const NormalForm s_form(kCompose | UTF8PROC_COMPAT);
        return &s_form;
    }
    if (name == "NFKD") {
        static const NormalForm s_form(kDecompose | UTF8PROC_COMPAT);
        return &s_form;
    }
    return nullptr;
}

/// Appends the normal form of characters that are all valid UTF-8.
void NormalForm::append_normal(std::string_view stretch, std::string& result) const {
    std::vector<int32_t> codes;
    for (size_t at = 0; at < stretch.size();) {
        const Utf8Char next = utf8_char(stretch, at);
        decompose(static_cast<int32_t>(next.code), m_options, codes);
        at += next.size;
    }
    finish(codes, m_options);
    for (const int32_t code : codes) append_utf8(static_cast<uint32_t>(code), result);
}

/// Where the stretch ends that `at` is inside of: before a character that nothing joins.
size_t NormalForm::stretch_end(std::string_view text, size_t at) const {
    while (at < text.size()) {
        const Utf8Char next = utf8_char(text, at);
        if (is_broken(next) || m_classes[next.code] == 0) break;
        at += next.size;
    }
    return at;
}

void NormalForm::apply(std::string& text) const {
    std::string result;
    size_t copied = 0;  // bytes of `text` that `result` has
    size_t begin = 0;   // of the stretch that `at` is in
    uint8_t last = 0;   // class of the character before `at`
    for (size_t at = 0; at < text.size();) {
        if (const size_t end = skip_ascii(text, at); end > at) {
            begin = end - 1;
            last = 0;
            at = end;
            continue;
        }
        const Utf8Char next = utf8_char(text, at);
        const uint8_t now = is_broken(next) ? 0 : m_classes[next.code];
        if (now == 0) begin = is_broken(next) ? at + 1 : at;
        if (now == 0 || (now != kUnsettled && now >= last)) {
            last = now;
            at += next.size;
            continue;
        }
        const size_t end = stretch_end(text, at);
        result.append(text, copied, begin - copied);
        append_normal(std::string_view(text).substr(begin, end - begin), result);
        copied = begin = at = end;
        last = 0;
    }
    if (copied == 0) return;
    result.append(text, copied);
    text = std::move(result);
}

}  // namespace dayrun::core
