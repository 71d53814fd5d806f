// The steps of normalizer.h. Normal forms are normal_form.h's, lower case is utf8proc's.
#include "core/tokens/pipeline/normalizer.h"

#include <utf8proc.h>

#include "core/tokens/bpe/normal_form.h"
#include "core/tokens/bpe/unicode_class.h"
#include "core/tokens/bpe/word_scanner.h"

namespace dayrun::core {
namespace {

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

class ToNormalForm final : public NormalizerStep {
  public:
    explicit ToNormalForm(const NormalForm* form) : m_form(form) {}
    void apply(std::string& text) const override { m_form->apply(text); }

  private:
    const NormalForm* m_form;  // lives for ever
};

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
                const auto lower = utf8proc_tolower(static_cast<int32_t>(next.code));
                append_utf8(static_cast<uint32_t>(lower), result);
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
    if (const NormalForm* const form = NormalForm::named(type)) {
        m_steps.push_back(std::make_shared<ToNormalForm>(form));
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
    normalizer.m_steps.push_back(std::make_shared<ToNormalForm>(NormalForm::named("NFC")));
    return normalizer;
}

}  // namespace dayrun::core
