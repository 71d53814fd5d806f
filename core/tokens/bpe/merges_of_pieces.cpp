// Body of merges_of_pieces.h.
#include "core/tokens/bpe/merges_of_pieces.h"

#include <unordered_map>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {

void add_merges_of_pieces(BpeVocab& vocab, const std::vector<int32_t>& ranks) {
    vocab.token_count = static_cast<int32_t>(vocab.tokens.size());
    // Symbols that merging may meet: tokens with a rank, and single characters.
    std::unordered_map<std::string, int32_t> symbols;
    symbols.reserve(2 * vocab.tokens.size());
    for (size_t id = 0; id < ranks.size(); ++id) {
        if (ranks[id] >= 0 && !vocab.tokens[id].empty()) {
            symbols.emplace(vocab.tokens[id], static_cast<int32_t>(id));
        }
    }
    const auto step = [&](const std::string& text, size_t at) {
        return vocab.is_byte_level ? size_t{1} : size_t{utf8_char(text, at).size};
    };
    if (!vocab.is_byte_level) {
        for (size_t id = 0; id < ranks.size(); ++id) {
            if (ranks[id] < 0) continue;
            const std::string token = vocab.tokens[id];
            for (size_t at = 0; at < token.size(); at += step(token, at)) {
                const std::string character = token.substr(at, step(token, at));
                const auto next = static_cast<int32_t>(vocab.tokens.size());
                if (symbols.emplace(character, next).second) vocab.tokens.push_back(character);
            }
        }
    }
    for (size_t id = 0; id < ranks.size(); ++id) {
        if (ranks[id] < 0) continue;
        const std::string& token = vocab.tokens[id];
        for (size_t at = step(token, 0); at < token.size(); at += step(token, at)) {
            const auto left = symbols.find(token.substr(0, at));
            if (left == symbols.end()) continue;
            const auto right = symbols.find(token.substr(at));
            if (right == symbols.end()) continue;
            vocab.merges.push_back(
                {left->second, right->second, ranks[id], static_cast<int32_t>(id)});
        }
    }
}

}  // namespace dayrun::core
