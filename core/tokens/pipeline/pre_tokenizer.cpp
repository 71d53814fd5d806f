// The steps of pre_tokenizer.h.
#include "core/tokens/pipeline/pre_tokenizer.h"

#include <algorithm>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {
namespace {

constexpr std::string_view kPart = "pre-tokenizer";

/// What becomes of the matches of a Split.
enum class Behavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

std::optional<Behavior> behavior_of(std::string_view name) {
    if (name == "Removed") return Behavior::Removed;
    if (name == "Isolated") return Behavior::Isolated;
    if (name == "MergedWithPrevious") return Behavior::MergedWithPrevious;
    if (name == "MergedWithNext") return Behavior::MergedWithNext;
    if (name == "Contiguous") return Behavior::Contiguous;
    return std::nullopt;
}

struct Part {
    size_t begin, end;
    bool is_match;
};

/// Matches and what lies between them, in order.
std::vector<Part> parts_of(size_t size, const std::vector<WordMatch>& matches, bool is_inverted) {
    std::vector<Part> parts;
    size_t from = 0;
    for (const WordMatch& match : matches) {
        if (match.begin > from) parts.push_back({from, match.begin, is_inverted});
        parts.push_back({match.begin, match.end, !is_inverted});
        from = match.end;
    }
    if (from < size) parts.push_back({from, size, is_inverted});
    return parts;
}

std::vector<Part> merged(const std::vector<Part>& parts, Behavior behavior) {
    std::vector<Part> result;
    bool was_match = false;
    if (behavior == Behavior::MergedWithNext) {
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
            if (part->is_match && !was_match && !result.empty()) {
                result.back().begin = part->begin;
            } else {
                result.push_back(*part);
            }
            was_match = part->is_match;
        }
        std::reverse(result.begin(), result.end());
        return result;
    }
    for (const Part& part : parts) {
        const bool joins = behavior == Behavior::Contiguous
                               ? !result.empty() && part.is_match == was_match
                               : part.is_match && !was_match && !result.empty();
        if (joins) {
            result.back().end = part.end;
        } else {
            result.push_back(part);
        }
        was_match = part.is_match;
    }
    return result;
}

void add_parts(std::string_view text, Behavior behavior, bool is_inverted, Words& words) {
    if (behavior == Behavior::Isolated) {
        size_t from = 0;
        for (const WordMatch& match : words.matches) {
            if (match.begin > from) words.list.push_back(text.substr(from, match.begin - from));
            words.list.push_back(text.substr(match.begin, match.end - match.begin));
            from = match.end;
        }
        if (from < text.size()) words.list.push_back(text.substr(from));
        return;
    }
    auto parts = parts_of(text.size(), words.matches, is_inverted);
    if (behavior != Behavior::Removed) parts = merged(parts, behavior);
    for (const Part& part : parts) {
        if (behavior == Behavior::Removed && part.is_match) continue;
        words.list.push_back(text.substr(part.begin, part.end - part.begin));
    }
}

class SplitByPattern final : public PreTokenizerStep {
  public:
    SplitByPattern(std::shared_ptr<const WordScanner> scanner, Behavior behavior, bool is_inverted)
        : m_scanner(std::move(scanner)), m_behavior(behavior), m_is_inverted(is_inverted) {}
    void apply(std::string_view word, bool, Words& words) const override {
        words.matches.clear();
        m_scanner->scan(word, words.matches);
        add_parts(word, m_behavior, m_is_inverted, words);
    }

  private:
    std::shared_ptr<const WordScanner> m_scanner;
    Behavior m_behavior;
    bool m_is_inverted;
};

/// A Split at one fixed text.
class TextScanner final : public WordScanner {
  public:
    explicit TextScanner(std::string_view wanted) : m_wanted(wanted) {}
    void scan(std::string_view text, std::vector<WordMatch>& matches) const override {
        for (size_t at = text.find(m_wanted); at != std::string_view::npos;
             at = text.find(m_wanted, at + m_wanted.size())) {
            matches.push_back({at, at + m_wanted.size()});
        }
    }

  private:
    std::string m_wanted;
};

/// Matches are runs of word characters, and runs of what is neither word nor white space.
class WordRuns final : public WordScanner {
  public:
    void scan(std::string_view text, std::vector<WordMatch>& matches) const override {
        const uint8_t* const classes = char_classes();
        uint8_t previous = kSpace;
        for (size_t at = 0; at < text.size();) {
            const Utf8Char next = utf8_char(text, at);
            const uint8_t kind = classes[next.code] & (kSpace | kWord);
            if (kind != kSpace) {
                if (kind != previous) matches.push_back({at, at});
                matches.back().end = at + next.size;
            }
            previous = kind;
            at += next.size;
        }
    }
};

/// Matches are single characters of a class.
class ClassScanner final : public WordScanner {
  public:
    explicit ClassScanner(uint8_t wanted) : m_wanted(wanted) {}
    void scan(std::string_view text, std::vector<WordMatch>& matches) const override {
        const uint8_t* const classes = char_classes();
        for (size_t at = 0; at < text.size();) {
            const Utf8Char next = utf8_char(text, at);
            if (classes[next.code] & m_wanted) matches.push_back({at, at + next.size});
            at += next.size;
        }
    }

  private:
    uint8_t m_wanted;
};

class PrefixSpace final : public PreTokenizerStep {
  public:
    void apply(std::string_view word, bool, Words& words) const override {
        if (word.starts_with(' ')) {
            words.list.push_back(word);
            return;
        }
        words.rewritten.push_back(" " + std::string(word));
        words.list.push_back(words.rewritten.back());
    }
};

class Metaspace final : public PreTokenizerStep {
  public:
    enum class Prepend { Always, First, Never };
    Metaspace(std::string_view mark, Prepend prepend, bool splits)
        : m_mark(mark), m_prepend(prepend), m_splits(splits), m_scanner(mark) {}

    void apply(std::string_view word, bool is_first, Words& words) const override {
        std::string text;
        for (const char c : word) {
            if (c == ' ') {
                text += m_mark;
            } else {
                text += c;
            }
        }
        const bool wants_mark =
            m_prepend == Prepend::Always || (m_prepend == Prepend::First && is_first);
        if (wants_mark && !text.starts_with(m_mark)) text.insert(0, m_mark);
        words.rewritten.push_back(std::move(text));
        const std::string_view whole = words.rewritten.back();
        if (!m_splits) {
            words.list.push_back(whole);
            return;
        }
        words.matches.clear();
        m_scanner.scan(whole, words.matches);
        add_parts(whole, Behavior::MergedWithNext, false, words);
    }

  private:
    std::string m_mark;
    Prepend m_prepend;
    bool m_splits;
    TextScanner m_scanner;
};

using Step = std::shared_ptr<const PreTokenizerStep>;

Step split_at(uint8_t classes, Behavior behavior) {
    return std::make_shared<SplitByPattern>(std::make_shared<ClassScanner>(classes), behavior,
                                            false);
}

Result<Step> make_split(const JsonElement& config) {
    const auto behavior = behavior_of(child_text(config, "behavior").value_or(""));
    if (!behavior) return bad_component(kPart, "Split", "has an unknown behavior");
    const bool is_inverted = child_flag(config, "invert", false);
    const auto pattern = child(config, "pattern");
    const auto text = pattern ? child_text(*pattern, "String") : std::nullopt;
    const auto regex = pattern ? child_text(*pattern, "Regex") : std::nullopt;
    if (text && !text->empty()) {
        return std::make_shared<SplitByPattern>(std::make_shared<TextScanner>(*text), *behavior,
                                                is_inverted);
    }
    if (!regex) return bad_component(kPart, "Split", "has no usable pattern");
    TRY(scanner, WordScanner::make(std::string(*regex)));
    return std::make_shared<SplitByPattern>(scanner, *behavior, is_inverted);
}

Result<Step> make_metaspace(const JsonElement& config) {
    using Prepend = Metaspace::Prepend;
    const auto mark = child_text(config, "replacement").value_or("\xE2\x96\x81");
    const auto scheme = child_text(config, "prepend_scheme");
    Prepend prepend =
        child_flag(config, "add_prefix_space", true) ? Prepend::Always : Prepend::Never;
    if (scheme == "always") prepend = Prepend::Always;
    if (scheme == "first") prepend = Prepend::First;
    if (scheme == "never") prepend = Prepend::Never;
    return std::make_shared<Metaspace>(mark, prepend, child_flag(config, "split", true));
}

/// The steps that need no more than their name and a flag or two; null for another name.
Result<Step> make_simple(const JsonElement& config, std::string_view type) {
    if (type == "Digits") {
        const bool is_each = child_flag(config, "individual_digits", false);
        return split_at(kNumber, is_each ? Behavior::Isolated : Behavior::Contiguous);
    }
    if (type == "WhitespaceSplit") return split_at(kSpace, Behavior::Removed);
    if (type == "Punctuation") {
        const auto behavior = behavior_of(child_text(config, "behavior").value_or("Isolated"));
        if (!behavior) return bad_component(kPart, type, "has an unknown behavior");
        return split_at(kPunctuation, *behavior);
    }
    if (type == "Whitespace") {
        return std::make_shared<SplitByPattern>(std::make_shared<WordRuns>(), Behavior::Removed,
                                                true);
    }
    return Step{};
}

}  // namespace

PreTokenizer::PreTokenizer(std::shared_ptr<const WordScanner> scanner) : m_is_byte_level(true) {
    m_steps.push_back(
        std::make_shared<SplitByPattern>(std::move(scanner), Behavior::Isolated, false));
}

Result<void> PreTokenizer::add(const JsonElement& config) {
    const std::string_view type = type_of(config);
    if (type == "Sequence") {
        simdjson::dom::array parts;
        if (const auto list = child(config, "pretokenizers"); !list || list->get(parts)) {
            return bad_component(kPart, type, "has no list of pre-tokenizers");
        }
        for (const JsonElement part : parts) TRY_VOID(add(part));
        return {};
    }
    // Behind ByteLevel words are printable stand-ins of bytes, which no later step here knows.
    if (m_is_byte_level) return unknown_component("pre-tokenizer behind ByteLevel", type);
    if (type == "ByteLevel") {
        m_is_byte_level = true;
        if (child_flag(config, "add_prefix_space", true)) {
            m_steps.push_back(std::make_shared<PrefixSpace>());
        }
        if (child_flag(config, "use_regex", true)) {
            TRY(scanner, WordScanner::make(std::string(kGpt2Pattern)));
            m_steps.push_back(std::make_shared<SplitByPattern>(scanner, Behavior::Isolated, false));
        }
    } else if (type == "Split") {
        TRY(step, make_split(config));
        m_steps.push_back(std::move(step));
    } else if (type == "Metaspace") {
        TRY(step, make_metaspace(config));
        m_steps.push_back(std::move(step));
    } else if (type == "BertPreTokenizer") {
        m_steps.push_back(split_at(kSpace, Behavior::Removed));
        m_steps.push_back(split_at(kPunctuation, Behavior::Isolated));
    } else {
        TRY(step, make_simple(config, type));
        if (step == nullptr) return unknown_component(kPart, type);
        m_steps.push_back(std::move(step));
    }
    return {};
}

Result<PreTokenizer> PreTokenizer::make(const std::optional<JsonElement>& config) {
    PreTokenizer made;
    if (config) TRY_VOID(made.add(*config));
    return made;
}

void PreTokenizer::cut(std::string_view text, bool is_first, Words& words) const {
    words.list.clear();
    words.rewritten.clear();
    words.list.push_back(text);
    for (const auto& step : m_steps) {
        words.previous.swap(words.list);
        words.list.clear();
        for (size_t i = 0; i < words.previous.size(); ++i) {
            step->apply(words.previous[i], is_first && i == 0, words);
        }
    }
}

}  // namespace dayrun::core
