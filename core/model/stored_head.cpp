// Body of stored_head.h.
#include "core/model/stored_head.h"

#include <fmt/format.h>

#include <cstring>

#include "core/model/weight_map.h"

namespace dayrun::core {
namespace {

/// Other values differ early as a rule; only a head that is a copy is read to its end.
bool is_same(const TensorView& a, const TensorView& b) {
    return a.dtype == b.dtype && a.bytes.size() == b.bytes.size() &&
           std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

}  // namespace

Result<void> settle_head(const std::filesystem::path& folder, const CheckpointFiles& files,
                         ModelConfig& config) {
    ModelConfig own_head = config;
    own_head.tie_word_embeddings = false;
    const WeightMap map = make_weight_map(own_head);
    const TensorView* const head = files.find(map.lm_head);
    if (head == nullptr) return {};
    if (head->dtype == TensorDtype::UInt8) {
        return Error{.code = ErrorCode::Unsupported,
                     .message = fmt::format("The head '{}' in '{}' is quantized, which Dayrun does "
                                            "not read.",
                                            map.lm_head, folder.string()),
                     .hint = "Choose a checkpoint whose head was left in 16 bits."};
    }
    if (!config.tie_word_embeddings) return {};
    TRY_VOID(files.require(map.lm_head, {config.vocab_size, config.hidden_size}));
    const TensorView* const embedding = files.find(map.embed_tokens);
    if (embedding == nullptr || is_same(*head, *embedding)) return {};
    config.tie_word_embeddings = false;
    config.notes.push_back(
        fmt::format("'{}' ties the head to the embedding (tie_word_embeddings), but the weights "
                    "hold another '{}': that one is used, as transformers does.",
                    (folder / "config.json").string(), map.lm_head));
    return {};
}

}  // namespace dayrun::core
