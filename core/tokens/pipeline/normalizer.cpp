// The steps of normalizer.h. Unicode normal forms and lower case come from ICU.
#include "core/tokens/pipeline/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>

#include "core/tokens/bpe/unicode_class.h"
#include "core/tokens/bpe/word_scanner.h"

namespace dayrun::core {
namespace {

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

class Prepend final : public NormalizerStep {
  public:
    explicit Prepend(std::string_view prefix) : m_prefix(prefix) {}
    void apply(std::string& text) const override {
        if (!text.empty()) text.insert(0, m_prefix);
    }
    bool is_prefix() const override { return true; }

  private:
    std::string m_prefix;
};

class ReplaceText final : public NormalizerStep {
  public:
    ReplaceText(std::string_view from, std::string_view to) : m_from(from), m_to(to) {}
    void apply(std::string& text) const override {
        size_t found = text.find(m_from);
        if (found == std::string::npos) return;
        std::string result;
        result.reserve(text.size() + text.size() / 4);
        size_t from = 0;
        for (; found != std::string::npos; found = text.find(m_from, from)) {
            result.append(text, from, found - from);
            result += m_to;
            from = found + m_from.size();
        }
        result.append(text, from);
        text = std::move(result);
    }

  private:
    std::string m_from, m_to;
};

class ReplaceRegex final : public NormalizerStep {
  public:
    ReplaceRegex(std::shared_ptr<const WordScanner> regex, std::string_view to)
        : m_regex(std::move(regex)), m_to(to) {}
    void apply(std::string& text) const override {
        std::vector<WordMatch> matches;
        m_regex->scan(text, matches);
        if (matches.empty()) return;
        std::string result;
        size_t from = 0;
        for (const WordMatch& match : matches) {
            result.append(text, from, match.begin - from);
            result += m_to;
            from = match.end;
        }
        result.append(text, from);
        text = std::move(result);
    }

  private:
    std::shared_ptr<const WordScanner> m_regex;
    std::string m_to;
};

class NormalForm final : public NormalizerStep {
  public:
    explicit NormalForm(const icu::Normalizer2* form) : m_form(form) {}
    void apply(std::string& text) const override {
        if (is_ascii(text)) return;
        UErrorCode status = U_ZERO_ERROR;
        const icu::StringPiece whole(text.data(), static_cast<int32_t>(text.size()));
        if (m_form->isNormalizedUTF8(whole, status) && U_SUCCESS(status)) return;
        std::string result;
        icu::StringByteSink<std::string> sink(&result);
        status = U_ZERO_ERROR;
        m_form->normalizeUTF8(0, whole, sink, nullptr, status);
        if (U_SUCCESS(status)) text = std::move(result);
    }

  private:
    const icu::Normalizer2* m_form;  // ICU's own, lives for ever
};

void append_utf8(uint32_t code, std::string& text) {
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | (code >> 6));
        text += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0 | (code >> 12));
        text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | (code >> 18));
        text += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
        text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (code & 0x3F));
    }
}

class Lowercase final : public NormalizerStep {
  public:
    void apply(std::string& text) const override {
        constexpr uint32_t kDottedI = 0x130;  // the one letter whose lower case is two characters
        std::string result;
        result.reserve(text.size());
        for (size_t at = 0; at < text.size();) {
            const Utf8Char next = utf8_char(text, at);
            at += next.size;
            if (next.code == kDottedI) {
                result += "i\xCC\x87";
            } else {
                append_utf8(static_cast<uint32_t>(u_tolower(static_cast<UChar32>(next.code))),
                            result);
            }
        }
        text = std::move(result);
    }
};

class Strip final : public NormalizerStep {
  public:
    Strip(bool left, bool right) : m_left(left), m_right(right) {}
    void apply(std::string& text) const override {
        const auto is_space = [](uint32_t code) { return (char_classes()[code] & kSpace) != 0; };
        size_t begin = 0;
        size_t end = text.size();
        while (m_left && begin < end && is_space(utf8_char(text, begin).code)) {
            begin += utf8_char(text, begin).size;
        }
        while (m_right && end > begin && is_space(utf8_char_before(text, end).code)) {
            end -= utf8_char_before(text, end).size;
        }
        text = text.substr(begin, end - begin);
    }

  private:
    bool m_left, m_right;
};

const icu::Normalizer2* normal_form(std::string_view type) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* form = nullptr;
    if (type == "NFC") form = icu::Normalizer2::getNFCInstance(status);
    if (type == "NFD") form = icu::Normalizer2::getNFDInstance(status);
    if (type == "NFKC") form = icu::Normalizer2::getNFKCInstance(status);
    if (type == "NFKD") form = icu::Normalizer2::getNFKDInstance(status);
    return U_SUCCESS(status) ? form : nullptr;
}

Result<std::shared_ptr<const NormalizerStep>> make_replace(const JsonElement& config) {
    const auto pattern = child(config, "pattern");
    const auto content = child_text(config, "content");
    const auto text = pattern ? child_text(*pattern, "String") : std::nullopt;
    const auto regex = pattern ? child_text(*pattern, "Regex") : std::nullopt;
    if (!content || (!text && !regex) || (text && text->empty())) {
        return bad_component("normalizer", "Replace", "has no usable pattern");
    }
    if (text) return std::make_shared<ReplaceText>(*text, *content);
    TRY(scanner, WordScanner::make_regex(std::string(*regex)));
    return std::make_shared<ReplaceRegex>(scanner, *content);
}

}  // namespace

Result<void> Normalizer::add(const JsonElement& config) {
    const std::string_view type = type_of(config);
    if (type == "Sequence") {
        simdjson::dom::array parts;
        if (const auto list = child(config, "normalizers"); !list || list->get(parts)) {
            return bad_component("normalizer", type, "has no list of normalizers");
        }
        for (const JsonElement part : parts) TRY_VOID(add(part));
        return {};
    }
    if (const auto* const form = normal_form(type)) {
        m_steps.push_back(std::make_shared<NormalForm>(form));
    } else if (type == "Prepend") {
        m_steps.push_back(std::make_shared<Prepend>(child_text(config, "prepend").value_or("")));
    } else if (type == "Replace") {
        TRY(step, make_replace(config));
        m_steps.push_back(std::move(step));
    } else if (type == "Lowercase") {
        m_steps.push_back(std::make_shared<Lowercase>());
    } else if (type == "Strip") {
        m_steps.push_back(std::make_shared<Strip>(child_flag(config, "strip_left", true),
                                                  child_flag(config, "strip_right", true)));
    } else {
        return unknown_component("normalizer", type);
    }
    return {};
}

Result<Normalizer> Normalizer::make(const std::optional<JsonElement>& config) {
    Normalizer normalizer;
    if (config) TRY_VOID(normalizer.add(*config));
    return normalizer;
}

Normalizer Normalizer::nfc() {
    Normalizer normalizer;
    normalizer.m_steps.push_back(std::make_shared<NormalForm>(normal_form("NFC")));
    return normalizer;
}

}  // namespace dayrun::core
