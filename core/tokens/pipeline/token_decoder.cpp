// The steps of token_decoder.h.
#include "core/tokens/pipeline/token_decoder.h"

#include "core/data/text.h"
#include "core/tokens/pipeline/byte_level.h"

namespace dayrun::core {
namespace {

constexpr std::string_view kPart = "decoder";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

std::string joined(const std::vector<std::string>& tokens) {
    std::string all;
    for (const std::string& token : tokens) all += token;
    return all;
}

class ByteLevel final : public DecoderStep {
  public:
    void apply(std::vector<std::string>& tokens) const override {
        tokens = {lossy_utf8(joined(tokens))};
    }
};

class Fuse final : public DecoderStep {
  public:
    void apply(std::vector<std::string>& tokens) const override { tokens = {joined(tokens)}; }
};

class Replace final : public DecoderStep {
  public:
    Replace(std::string_view from, std::string_view to) : m_from(from), m_to(to) {}
    void apply(std::vector<std::string>& tokens) const override {
        for (std::string& token : tokens) replace_all(token, m_from, m_to);
    }

  private:
    std::string m_from, m_to;
};

/// A run of "<0xXX>" is its bytes together; a run that is not UTF-8 is one U+FFFD a byte.
class ByteFallback final : public DecoderStep {
  public:
    void apply(std::vector<std::string>& tokens) const override {
        std::vector<std::string> result;
        std::string run;
        const auto end_run = [&] {
            if (run.empty()) return;
            if (is_valid_utf8(run)) {
                result.push_back(run);
            } else {
                result.insert(result.end(), run.size(), "\xEF\xBF\xBD");
            }
            run.clear();
        };
        for (std::string& token : tokens) {
            const int byte = byte_of(token);
            if (byte >= 0) {
                run += static_cast<char>(byte);
                continue;
            }
            end_run();
            result.push_back(std::move(token));
        }
        end_run();
        tokens = std::move(result);
    }

  private:
    static int digit(char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return -1;
    }
    static int byte_of(const std::string& token) {
        if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
        const int high = digit(token[3]);
        const int low = digit(token[4]);
        return high < 0 || low < 0 ? -1 : high * 16 + low;
    }
};

class Strip final : public DecoderStep {
  public:
    Strip(std::string_view content, int64_t start, int64_t stop)
        : m_content(content), m_start(start), m_stop(stop) {}
    void apply(std::vector<std::string>& tokens) const override {
        for (std::string& token : tokens) {
            for (int64_t i = 0; i < m_start && token.starts_with(m_content); ++i) {
                token.erase(0, m_content.size());
            }
            for (int64_t i = 0; i < m_stop && token.ends_with(m_content); ++i) {
                token.erase(token.size() - m_content.size());
            }
        }
    }

  private:
    std::string m_content;
    int64_t m_start, m_stop;
};

/// The mark becomes a space, and nothing in the first token where one was put in front.
class Metaspace final : public DecoderStep {
  public:
    Metaspace(std::string_view mark, bool has_prefix) : m_mark(mark), m_has_prefix(has_prefix) {}
    void apply(std::vector<std::string>& tokens) const override {
        for (size_t i = 0; i < tokens.size(); ++i) {
            replace_all(tokens[i], m_mark, i == 0 && m_has_prefix ? "" : " ");
        }
    }

  private:
    std::string m_mark;
    bool m_has_prefix;
};

class WordEnd final : public DecoderStep {
  public:
    explicit WordEnd(std::string_view suffix) : m_suffix(suffix) {}
    void apply(std::vector<std::string>& tokens) const override {
        for (size_t i = 0; i < tokens.size(); ++i) {
            replace_all(tokens[i], m_suffix, i + 1 == tokens.size() ? "" : " ");
        }
    }

  private:
    std::string m_suffix;
};

}  // namespace

Result<void> TokenDecoder::add(const JsonElement& config, bool is_byte_level) {
    const std::string_view type = type_of(config);
    const auto text = [&](std::string_view key, std::string_view fallback) {
        const std::string_view found = child_text(config, key).value_or(fallback);
        return found.empty() ? fallback : found;
    };
    if (type == "Sequence") {
        simdjson::dom::array parts;
        if (const auto list = child(config, "decoders"); !list || list->get(parts)) {
            return bad_component(kPart, type, "has no list of decoders");
        }
        for (const JsonElement part : parts) TRY_VOID(add(part, is_byte_level));
    } else if (type == "ByteLevel") {
        if (!is_byte_level) return bad_component(kPart, type, "meets words that are not bytes");
        m_steps.push_back(std::make_shared<ByteLevel>());
    } else if (type == "Fuse") {
        m_steps.push_back(std::make_shared<Fuse>());
    } else if (type == "ByteFallback") {
        m_steps.push_back(std::make_shared<ByteFallback>());
    } else if (type == "Replace") {
        const auto pattern = child(config, "pattern");
        const auto from = pattern ? child_text(*pattern, "String") : std::nullopt;
        if (!from || from->empty()) return bad_component(kPart, type, "has no usable pattern");
        m_steps.push_back(
            std::make_shared<Replace>(*from, child_text(config, "content").value_or("")));
    } else if (type == "Strip") {
        m_steps.push_back(std::make_shared<Strip>(text("content", " "),
                                                  child_int(config, "start").value_or(0),
                                                  child_int(config, "stop").value_or(0)));
    } else if (type == "Metaspace") {
        const bool has_prefix = child_text(config, "prepend_scheme").value_or("") != "never" &&
                                child_flag(config, "add_prefix_space", true);
        m_steps.push_back(
            std::make_shared<Metaspace>(text("replacement", "\xE2\x96\x81"), has_prefix));
    } else if (type == "BPEDecoder") {
        m_steps.push_back(std::make_shared<WordEnd>(text("suffix", "</w>")));
    } else {
        return unknown_component(kPart, type);
    }
    return {};
}

Result<TokenDecoder> TokenDecoder::make(const std::optional<JsonElement>& config,
                                        bool is_byte_level) {
    TokenDecoder decoder;
    if (config) {
        TRY_VOID(decoder.add(*config, is_byte_level));
    } else if (is_byte_level) {
        decoder.m_steps.push_back(std::make_shared<ByteLevel>());
    } else {
        decoder.m_joins_by_spaces = true;
    }
    return decoder;
}

std::string TokenDecoder::decode(std::vector<std::string> tokens) const {
    for (const auto& step : m_steps) step->apply(tokens);
    if (!m_joins_by_spaces) return joined(tokens);
    std::string all;
    for (const std::string& token : tokens) all += (all.empty() ? "" : " ") + token;
    return all;
}

}  // namespace dayrun::core
