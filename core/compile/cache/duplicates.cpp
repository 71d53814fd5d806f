// Hashes and words out of the caches, into the searches of core/data/curate. Any thread.
#include "core/compile/cache/duplicates.h"

#include "core/data/curate/dedupe.h"
#include "core/data/curate/near_dedupe.h"

namespace dayrun::core {

Result<std::vector<DuplicateRow>> find_duplicate_rows(
    const Recipe& recipe, const std::vector<std::shared_ptr<const TokenCache>>& caches,
    const std::vector<SampleRef>& rows, std::stop_token stop) {
    std::vector<DuplicateRow> found;
    const auto cache = [&](const SampleRef& row) -> const TokenCache& {
        return *caches[row.source_index];
    };
    if (recipe.mix.dedupe == DedupeMode::Near) {
        std::vector<std::span<const uint32_t>> words;
        words.reserve(rows.size());
        for (const SampleRef& row : rows) {
            TRY(own, cache(row).words(row.row));
            words.push_back(own);
        }
        const NearOptions options{
            .threshold = recipe.mix.near_threshold, .seed = recipe.seed, .stop = std::move(stop)};
        for (const NearDuplicate& pair : find_near_duplicates(words, options)) {
            found.push_back({rows[pair.row], rows[pair.kept], pair.similarity});
        }
        return found;
    }
    if (recipe.mix.dedupe == DedupeMode::None) return found;
    const bool is_by_input = recipe.mix.dedupe == DedupeMode::Input;
    std::vector<uint64_t> hashes;
    hashes.reserve(rows.size());
    for (const SampleRef& row : rows) {
        hashes.push_back((is_by_input ? cache(row).input_hashes : cache(row).full_hashes)[row.row]);
    }
    for (const Repeat& repeat : find_repeats(hashes)) {
        found.push_back({rows[repeat.row], rows[repeat.first], 1.0f});
    }
    return found;
}

}  // namespace dayrun::core
