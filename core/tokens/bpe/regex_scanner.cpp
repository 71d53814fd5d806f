// PCRE2 behind WordScanner: any pattern, and the oracle of the written-out scanners.
#include <fmt/format.h>

#include "core/tokens/bpe/word_scanner.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace dayrun::core {
namespace {

class RegexScanner final : public WordScanner {
  public:
    explicit RegexScanner(pcre2_code* code) : m_code(code) {
        // Without the just-in-time compiler it works too, only slower.
        pcre2_jit_compile(m_code, PCRE2_JIT_COMPLETE);
    }
    ~RegexScanner() override { pcre2_code_free(m_code); }
    RegexScanner(const RegexScanner&) = delete;

    void scan(std::string_view text, std::vector<WordMatch>& matches) const override {
        pcre2_match_data* const match = pcre2_match_data_create_from_pattern(m_code, nullptr);
        const auto* const units = reinterpret_cast<PCRE2_SPTR>(text.data());
        const size_t* const ends = pcre2_get_ovector_pointer(match);
        size_t from = 0;
        while (from < text.size()) {
            if (pcre2_match(m_code, units, text.size(), from, 0, match, nullptr) < 0) break;
            if (ends[1] > ends[0]) {
                matches.push_back({ends[0], ends[1]});
                from = ends[1];
                continue;
            }
            // An empty match: go on behind the character it stands before.
            from = ends[1] + 1;
            while (from < text.size() && (static_cast<uint8_t>(text[from]) & 0xC0) == 0x80) ++from;
        }
        pcre2_match_data_free(match);
    }

  private:
    pcre2_code* m_code;
};

}  // namespace

Result<std::shared_ptr<const WordScanner>> WordScanner::make_regex(const std::string& pattern) {
    int code = 0;
    size_t offset = 0;
    // Invalid UTF-8 in a text is passed over rather than refused in the middle of a run.
    pcre2_code* const compiled =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                      PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &code, &offset, nullptr);
    if (compiled == nullptr) {
        PCRE2_UCHAR reason[128] = {};
        pcre2_get_error_message(code, reason, sizeof(reason));
        return Error{
            .code = ErrorCode::BadTokenizer,
            .message = fmt::format("'{}' is not a regular expression: {} at character {}.", pattern,
                                   reinterpret_cast<const char*>(reason), offset + 1),
            .hint = "Fetch the model's tokenizer files again."};
    }
    return std::make_shared<RegexScanner>(compiled);
}

}  // namespace dayrun::core
