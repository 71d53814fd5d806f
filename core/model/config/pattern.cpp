// PCRE2 behind pattern.h.
#include "core/model/config/pattern.h"

#include <fmt/format.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace dayrun::core {
namespace {

constexpr uint32_t kMatchLimit = 200'000;

PCRE2_SPTR as_units(std::string_view text) {
    return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
    int code = 0;
    size_t offset = 0;
    pcre2_code* const compiled =
        pcre2_compile(as_units(text), text.size(),
                      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C,
                      &code, &offset, nullptr);
    if (compiled == nullptr) {
        PCRE2_UCHAR reason[128] = {};
        pcre2_get_error_message(code, reason, sizeof(reason));
        return Error{
            .code = ErrorCode::BadRecipe,
            .message = fmt::format("'{}' is not a regular expression: {} at character {}.", text,
                                   reinterpret_cast<const char*>(reason), offset + 1),
            .hint = "Correct it, or give a list of module names instead."};
    }
    return Pattern(std::shared_ptr<const void>(compiled, [](const void* pattern) {
        pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(pattern)));
    }));
}

bool Pattern::full_match(std::string_view subject) const {
    const auto* const code = static_cast<const pcre2_code*>(m_code.get());
    pcre2_match_data* const match = pcre2_match_data_create_from_pattern(code, nullptr);
    pcre2_match_context* const context = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(context, kMatchLimit);
    const int found = pcre2_match(code, as_units(subject), subject.size(), 0, 0, match, context);
    pcre2_match_context_free(context);
    pcre2_match_data_free(match);
    return found >= 0;
}

}  // namespace dayrun::core
