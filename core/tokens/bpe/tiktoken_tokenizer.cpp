// Rank files: one line "base64 rank" per token, as Qwen 1 and Llama 3 publish them. Which of the
// two it is, the number of ranks and the file's name say. Any thread.
// Neighbours: pipeline_tokenizer.h, merges_of_pieces.h, tokenizer_openers.h.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <system_error>

#include "core/base/hash.h"
#include "core/tokens/bpe/merges_of_pieces.h"
#include "core/tokens/pipeline/pipeline_tokenizer.h"
#include "core/tokens/tokenizer_openers.h"

namespace dayrun::core {
namespace {

constexpr size_t kQwenRanks = 151643;
constexpr int32_t kMostRanks = 1 << 22;

std::optional<std::string> from_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string bytes;
    uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        uint32_t value = 0;
        if (c >= 'A' && c <= 'Z') {
            value = static_cast<uint32_t>(c - 'A');
        } else if (c >= 'a' && c <= 'z') {
            value = static_cast<uint32_t>(c - 'a') + 26;
        } else if (c >= '0' && c <= '9') {
            value = static_cast<uint32_t>(c - '0') + 52;
        } else if (c == '+') {
            value = 62;
        } else if (c == '/') {
            value = 63;
        } else {
            return std::nullopt;
        }
        bits = bits << 6 | value;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 0xFF);
    }
    if (bytes.empty()) return std::nullopt;
    return bytes;
}

struct RankLine {
    std::string token;
    int32_t rank = 0;
};

std::optional<RankLine> read_line(std::string_view line) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0) return std::nullopt;
    RankLine result;
    const char* const end = line.data() + line.size();
    const auto status = std::from_chars(line.data() + space + 1, end, result.rank);
    auto token = from_base64(line.substr(0, space));
    if (status.ec != std::errc() || status.ptr != end || !token || result.rank < 0 ||
        result.rank >= kMostRanks) {
        return std::nullopt;
    }
    result.token = *std::move(token);
    return result;
}

/// Calls take(line number, line) for each line that is not empty; stops when it returns false.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
    for (int number = 1; !text.empty(); ++number) {
        size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty() && !take(number, line)) return;
    }
}

Result<std::vector<std::string>> read_ranks(const TokenizerFile& file) {
    std::vector<std::string> tokens;
    int bad_line = 0;
    for_each_line(file.content, [&](int number, std::string_view line) {
        auto read = read_line(line);
        const bool is_new = read && (static_cast<size_t>(read->rank) >= tokens.size() ||
                                     tokens[static_cast<size_t>(read->rank)].empty());
        if (!is_new) {
            bad_line = number;
            return false;
        }
        if (static_cast<size_t>(read->rank) >= tokens.size()) {
            tokens.resize(static_cast<size_t>(read->rank) + 1);
        }
        tokens[static_cast<size_t>(read->rank)] = std::move(read->token);
        return true;
    });
    if (bad_line != 0) {
        return Error{.code = ErrorCode::BadTokenizer,
                     .message = "This line is not a token in base64 and a rank of its own.",
                     .hint = "Fetch the model's tokenizer files again.",
                     .where = {.file = file.path.string(), .line = bad_line}};
    }
    return tokens;
}

std::vector<std::string> qwen_specials() {
    std::vector<std::string> names = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    for (int i = 0; i < 205; ++i) names.push_back(fmt::format("<|extra_{}|>", i));
    return names;
}

std::vector<std::string> llama3_specials() {
    std::vector<std::string> names = {"<|begin_of_text|>", "<|end_of_text|>"};
    int reserved = 0;
    const auto reserve = [&](int count) {
        for (int i = 0; i < count; ++i) {
            names.push_back(fmt::format("<|reserved_special_token_{}|>", reserved++));
        }
    };
    reserve(4);
    names.insert(names.end(), {"<|start_header_id|>", "<|end_header_id|>"});
    reserve(1);
    names.push_back("<|eot_id|>");
    reserve(256 - static_cast<int>(names.size()));
    return names;
}

/// A rank file says nothing of normal forms; Qwen 1's own tokenizer, which a model folder names,
/// composes every text first.
bool is_in_model_folder(const TokenizerFile& file) {
    std::error_code ignored;
    return std::filesystem::exists(file.folder / "config.json", ignored) ||
           std::filesystem::exists(file.folder / "tokenizer_config.json", ignored);
}

}  // namespace

bool is_tiktoken(const TokenizerFile& file) {
    bool is_rank = false;
    for_each_line(file.content, [&](int, std::string_view line) {
        is_rank = read_line(line).has_value();
        return false;
    });
    return is_rank;
}

Result<std::unique_ptr<Tokenizer>> open_tiktoken(const TokenizerFile& file) {
    TRY(tokens, read_ranks(file));
    const bool is_qwen = tokens.size() == kQwenRanks ||
                         file.path.filename().string().find("qwen") != std::string::npos;
    TRY(scanner, WordScanner::make(std::string(is_qwen ? kQwenPattern : kLlama3Pattern)));
    TRY(decoder, TokenDecoder::make(std::nullopt, /*is_byte_level=*/true));

    const bool composes = is_qwen && is_in_model_folder(file);
    std::vector<AddedToken> added;
    const auto first = static_cast<int32_t>(tokens.size());
    for (const std::string& name : is_qwen ? qwen_specials() : llama3_specials()) {
        added.push_back(
            {.content = name, .id = first + static_cast<int32_t>(added.size()), .special = true});
    }
    BpeVocab vocab{.tokens = std::move(tokens), .merges = {}, .is_byte_level = true};
    std::vector<int32_t> ranks(vocab.tokens.size());
    for (size_t i = 0; i < ranks.size(); ++i) {
        ranks[i] = vocab.tokens[i].empty() ? -1 : static_cast<int32_t>(i);
    }
    // A word that is a token is taken whole, whether or not merging would find it.
    vocab.ignore_merges = true;
    add_merges_of_pieces(vocab, ranks);
    Sha256 hash;
    hash.add_field("tiktoken 1");
    hash.add_field(is_qwen ? "qwen" : "llama3");
    hash.add_field(composes ? "NFC" : "");
    hash.add_field(file.content);
    const bool adds_bos = !is_qwen;
    return make_pipeline_tokenizer(
        {.added_tokens = std::move(added),
         .normalizer = composes ? Normalizer::nfc() : Normalizer(),
         .pre_tokenizer = PreTokenizer(scanner),
         .vocab = std::move(vocab),
         .decode_only = {},
         .decoder = std::move(decoder),
         .prefix = adds_bos ? std::vector<int32_t>{first} : std::vector<int32_t>{},
         .suffix = {},
         .bos_id = adds_bos ? std::optional<int32_t>(first) : std::nullopt,
         .eos_id = is_qwen ? first : first + 1,
         .fingerprint = hash.hex()});
}

}  // namespace dayrun::core
