// Hashes of samples and the search for those seen before. Neighbour: data_compiler. Any thread.
#include "core/data/curate/dedupe.h"

#include <unordered_map>

#include "core/data/curate/filter.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

uint64_t hash_ids(const std::vector<int32_t>& ids, uint64_t seed) {
    return hash_text({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(int32_t)},
                     seed);
}

}  // namespace

uint64_t input_hash(const Sample& sample) {
    if (!sample.token_ids.empty()) return hash_ids(sample.token_ids, 0);
    return hash_text(asked_text(sample));
}

uint64_t full_hash(const Sample& sample) {
    if (!sample.token_ids.empty()) {
        return hash_ids(sample.token_labels, hash_ids(sample.token_ids, 0));
    }
    if (sample.messages().empty()) return hash_text(sample.field("text"));
    uint64_t state = 0;
    for (const Message message : sample.messages()) {
        state = hash_text(message.content, state + static_cast<uint64_t>(message.role) + 1);
    }
    return state;
}

std::vector<Repeat> find_repeats(std::span<const uint64_t> hashes) {
    std::unordered_map<uint64_t, uint32_t> seen;
    seen.reserve(hashes.size());
    std::vector<Repeat> repeats;
    for (uint32_t row = 0; row < hashes.size(); ++row) {
        const auto [first, is_new] = seen.try_emplace(hashes[row], row);
        if (!is_new) repeats.push_back({row, first->second});
    }
    return repeats;
}

}  // namespace dayrun::core
