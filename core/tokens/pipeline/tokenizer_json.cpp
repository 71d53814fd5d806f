// tokenizer.json -> a pipeline: the vocabulary, the added tokens and what is put around a text.
// Truncation and padding of the file are left out, as transformers does. Any thread.
// Neighbours: pipeline_tokenizer.h, tokenizer_openers.h.
#include <fmt/format.h>

#include <unordered_map>

#include "core/base/hash.h"
#include "core/tokens/pipeline/byte_level.h"
#include "core/tokens/pipeline/pipeline_tokenizer.h"
#include "core/tokens/tokenizer_config.h"
#include "core/tokens/tokenizer_openers.h"

namespace dayrun::core {
namespace {

constexpr int64_t kMostTokens = 1 << 24;

using Ids = std::unordered_map<std::string_view, int32_t>;

Result<Ids> read_ids(const JsonElement& model) {
    simdjson::dom::object entries;
    if (const auto vocab = child(model, "vocab"); !vocab || vocab->get(entries)) {
        return bad_component("model", "BPE", "has no vocabulary");
    }
    Ids ids;
    ids.reserve(entries.size());
    for (const auto& [text, value] : entries) {
        int64_t id = -1;
        if (value.get(id) || id < 0 || id >= kMostTokens) {
            return bad_component("model", "BPE", fmt::format("gives '{}' no usable id", text));
        }
        ids[text] = static_cast<int32_t>(id);
    }
    return ids;
}

/// "a b" or ["a", "b"].
bool read_pair(const JsonElement& merge, std::string_view& left, std::string_view& right) {
    std::string_view line;
    if (merge.get(line) == simdjson::SUCCESS) {
        const size_t space = line.find(' ');
        if (space == std::string_view::npos) return false;
        left = line.substr(0, space);
        right = line.substr(space + 1);
        return true;
    }
    simdjson::dom::array pair;
    if (merge.get(pair) || pair.size() != 2) return false;
    return !pair.at(0).get(left) && !pair.at(1).get(right);
}

Result<std::vector<BpeMerge>> read_merges(const JsonElement& model, const Ids& ids) {
    simdjson::dom::array list;
    if (const auto merges = child(model, "merges"); !merges || merges->get(list)) {
        return bad_component("model", "BPE", "has no merges");
    }
    std::vector<BpeMerge> merges;
    std::string together;
    for (const JsonElement entry : list) {
        std::string_view left, right;
        if (!read_pair(entry, left, right)) {
            return bad_component("model", "BPE",
                                 fmt::format("has no two parts in merge {}", merges.size()));
        }
        together.assign(left).append(right);
        const auto left_id = ids.find(left);
        const auto right_id = ids.find(right);
        const auto merged_id = ids.find(together);
        if (left_id == ids.end() || right_id == ids.end() || merged_id == ids.end()) {
            return bad_component(
                "model", "BPE",
                fmt::format("merges '{}' and '{}', which its vocabulary lacks", left, right));
        }
        merges.push_back({left_id->second, right_id->second, static_cast<int32_t>(merges.size()),
                          merged_id->second});
    }
    return merges;
}

Result<void> check_model(const JsonElement& model) {
    const std::string_view type = child_text(model, "type").value_or("BPE");
    if (type != "BPE") return unknown_component("model", type);
    for (const char* const key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
        if (!child_text(model, key).value_or("").empty()) {
            return unknown_component("option of BPE", key);
        }
    }
    double dropout = 0;
    if (const auto given = child(model, "dropout"); given && !given->get(dropout) && dropout > 0) {
        return unknown_component("option of BPE", "dropout");
    }
    return {};
}

Result<void> read_model(const JsonElement& model, bool is_byte_level, PipelineParts& parts) {
    TRY_VOID(check_model(model));
    TRY(ids, read_ids(model));
    BpeVocab& vocab = parts.vocab;
    vocab.is_byte_level = is_byte_level;
    vocab.byte_fallback = child_flag(model, "byte_fallback", false);
    vocab.fuse_unk = child_flag(model, "fuse_unk", false);
    vocab.ignore_merges = child_flag(model, "ignore_merges", false);
    if (const auto unk = child_text(model, "unk_token")) {
        const auto found = ids.find(*unk);
        if (found != ids.end()) vocab.unk_id = found->second;
    }
    for (const auto& [text, id] : ids) {
        if (static_cast<size_t>(id) >= vocab.tokens.size()) {
            vocab.tokens.resize(static_cast<size_t>(id) + 1);
        }
        std::string& token = vocab.tokens[static_cast<size_t>(id)];
        if (!is_byte_level) {
            token = text;
        } else if (auto bytes = bytes_of_printable(text)) {
            token = *std::move(bytes);
        } else {
            parts.decode_only.emplace_back(id, text);
        }
    }
    TRY(merges, read_merges(model, ids));
    vocab.merges = std::move(merges);
    return {};
}

Result<std::vector<AddedToken>> read_added_tokens(const JsonElement& json) {
    std::vector<AddedToken> tokens;
    const auto given = child(json, "added_tokens");
    simdjson::dom::array list;
    if (!given) return tokens;
    if (given->get(list)) return bad_component("list", "added_tokens", "is no list");
    for (const JsonElement entry : list) {
        const auto id = child_int(entry, "id");
        const auto content = child_text(entry, "content");
        if (!id || !content || content->empty() || *id < 0 || *id >= kMostTokens) {
            return bad_component("list", "added_tokens", "holds an entry without id or content");
        }
        tokens.push_back({.content = std::string(*content),
                          .id = static_cast<int32_t>(*id),
                          .single_word = child_flag(entry, "single_word", false),
                          .lstrip = child_flag(entry, "lstrip", false),
                          .rstrip = child_flag(entry, "rstrip", false),
                          .normalized = child_flag(entry, "normalized", true),
                          .special = child_flag(entry, "special", false)});
    }
    return tokens;
}

/// The ids that a TemplateProcessing puts in front of and behind a single text.
Result<void> read_template(const JsonElement& config, PipelineParts& parts) {
    constexpr std::string_view kType = "TemplateProcessing";
    simdjson::dom::array pieces;
    if (const auto single = child(config, "single"); !single || single->get(pieces)) {
        return bad_component("post-processor", kType, "has no template for a single text");
    }
    const auto specials = child(config, "special_tokens");
    bool is_behind = false;
    for (const JsonElement piece : pieces) {
        if (child(piece, "Sequence")) {
            is_behind = true;
            continue;
        }
        const auto token = child(piece, "SpecialToken");
        const auto name = token ? child_text(*token, "id") : std::nullopt;
        const auto entry = name && specials ? child(*specials, *name) : std::nullopt;
        const auto listed = entry ? child(*entry, "ids") : std::nullopt;
        simdjson::dom::array ids;
        if (!listed || listed->get(ids)) {
            return bad_component("post-processor", kType,
                                 "names a token that it does not describe");
        }
        for (const JsonElement id : ids) {
            int64_t number = -1;
            if (id.get(number) || number < 0 || number >= kMostTokens) {
                return bad_component("post-processor", kType, "gives a token no usable id");
            }
            (is_behind ? parts.suffix : parts.prefix).push_back(static_cast<int32_t>(number));
        }
    }
    return {};
}

Result<void> read_post_processor(const JsonElement& config, PipelineParts& parts) {
    const std::string_view type = type_of(config);
    if (type == "TemplateProcessing") return read_template(config, parts);
    if (type == "ByteLevel") return {};  // it moves offsets only
    if (type != "Sequence") return unknown_component("post-processor", type);
    simdjson::dom::array list;
    if (const auto given = child(config, "processors"); !given || given->get(list)) {
        return bad_component("post-processor", type, "has no list of processors");
    }
    for (const JsonElement part : list) TRY_VOID(read_post_processor(part, parts));
    return {};
}

/// BOS and EOS by the names in tokenizer_config.json, else BOS by what the template puts in front.
void name_ends(const TokenizerConfig& config, const PipelineParts& parts, const Ids& added,
               std::optional<int32_t>& bos, std::optional<int32_t>& eos) {
    const auto id_of = [&](const std::string& text) -> std::optional<int32_t> {
        const auto found = added.find(text);
        if (found != added.end()) return found->second;
        for (const SpecialToken& token : config.special_tokens) {
            if (token.text == text && token.id >= 0) return token.id;
        }
        return std::nullopt;
    };
    bos = id_of(config.bos_token);
    eos = id_of(config.eos_token);
    if (!bos && !parts.prefix.empty()) bos = parts.prefix.front();
    // A lone tokenizer.json has no names: these are what published ones call the end of a text.
    for (const char* const name : {"</s>", "<|endoftext|>", "<|end_of_text|>"}) {
        if (!eos && config.eos_token.empty()) eos = id_of(name);
    }
}

Result<std::unique_ptr<Tokenizer>> open_json(const TokenizerFile& file) {
    simdjson::dom::parser parser;
    JsonElement json;
    if (const auto failure = parser.parse(file.content).get(json); failure || !json.is_object()) {
        return Error{.code = ErrorCode::BadTokenizer,
                     .message = "It is not a JSON object that can be read.",
                     .hint = "Fetch the model's tokenizer files again.",
                     .detail = simdjson::error_message(failure)};
    }
    const auto model = child(json, "model");
    if (!model) return bad_component("file", "tokenizer.json", "has no model");
    TRY(pre_tokenizer, PreTokenizer::make(child(json, "pre_tokenizer")));
    const bool is_byte_level = pre_tokenizer.is_byte_level();
    TRY(normalizer, Normalizer::make(child(json, "normalizer")));
    TRY(decoder, TokenDecoder::make(child(json, "decoder"), is_byte_level));
    TRY(added, read_added_tokens(json));
    PipelineParts parts{.added_tokens = std::move(added),
                        .normalizer = std::move(normalizer),
                        .pre_tokenizer = std::move(pre_tokenizer),
                        .vocab = {},
                        .decode_only = {},
                        .decoder = std::move(decoder),
                        .prefix = {},
                        .suffix = {},
                        .bos_id = {},
                        .eos_id = {},
                        .fingerprint = {}};
    TRY_VOID(read_model(*model, is_byte_level, parts));
    if (const auto post = child(json, "post_processor")) {
        TRY_VOID(read_post_processor(*post, parts));
    }
    TRY(config, read_tokenizer_config(file.folder));
    Ids names;
    for (const AddedToken& token : parts.added_tokens) names.emplace(token.content, token.id);
    name_ends(config, parts, names, parts.bos_id, parts.eos_id);
    Sha256 hash;
    hash.add_field("tokenizer.json 1");
    hash.add_field(file.content);
    hash.add_field(config.text);
    parts.fingerprint = hash.hex();
    return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace

bool is_tokenizer_json(const TokenizerFile& file) {
    const size_t at = file.content.find_first_not_of(" \t\r\n");
    return at != std::string::npos && file.content[at] == '{';
}

Result<std::unique_ptr<Tokenizer>> open_tokenizer_json(const TokenizerFile& file) {
    auto opened = open_json(file);
    if (opened.ok()) return opened;
    // The parts do not know the file's name: it is put in front of what they say.
    Error error = opened.error();
    error.where = {.file = file.path.string()};
    return error;
}

}  // namespace dayrun::core
