// Neighbours: core/compile/token_lens.h tells parts, panels/token_lens.cpp draws, tokens_page.cpp
// searches.
#include "ui/models/lens_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/units.h"
#include "ui/project/source_rows.h"

namespace dayrun::ui {
namespace {

constexpr int32_t kFewTrained = 4;

std::string titleOf(const Prepared& prepared, const core::TokenizedSample& sample) {
    return fmt::format("{}, row {}", prepared.data->sources[sample.source_index].name,
                       core::format_count(static_cast<int64_t>(sample.row_index) + 1));
}

bool cutsAtStart(const core::Recipe& recipe, uint32_t source) {
    const auto own = source < recipe.data.size() ? recipe.data[source].too_long : std::nullopt;
    return own.value_or(recipe.tokens.too_long) == core::TooLong::KeepTail;
}

/// Appends a cached document to a row and its facts to the page.
core::Result<void> addDocument(const Prepared& prepared, core::SampleRef ref, core::PackedRow& row,
                               LensPage& page) {
    TRY(sample, prepared.data->read_sample(ref));
    const auto begin = static_cast<int32_t>(row.tokens.size());
    row.tokens.insert(row.tokens.end(), sample.tokens.begin(), sample.tokens.end());
    row.labels.insert(row.labels.end(), sample.labels.begin(), sample.labels.end());
    row.documents.push_back(
        {sample.sample_id, sample.source_index, begin, static_cast<int32_t>(row.tokens.size())});
    page.documents.push_back({titleOf(prepared, sample), static_cast<int64_t>(sample.tokens.size()),
                              sample.target_token_count(), sample.truncated_tokens,
                              sample.lost_stop_token});
    page.is_cut_at_start = cutsAtStart(prepared.recipe, ref.source_index);
    return {};
}

void finish(const Prepared& prepared, const core::PackedRow& row, LensPage& page) {
    page.view = core::token_lens(row, prepared.tokenizer.get());
    for (const LensDocument& document : page.documents) {
        page.view.truncated_tokens += document.truncated_tokens;
        page.view.lost_stop_token = page.view.lost_stop_token || document.lost_stop_token;
    }
    page.is_from_cache = true;
}

/// The cache rows of a sample; several when a long text was split.
std::vector<uint32_t> rowsOf(const core::TokenCache& cache, uint64_t sample_id) {
    std::vector<uint32_t> rows;
    for (uint32_t row = 0; row < cache.row_count(); ++row) {
        if (cache.sample_ids[row] == sample_id) rows.push_back(row);
    }
    return rows;
}

/// The sample's rows in the cache of its source, when the answer is of the same rows and tokens.
core::Result<std::optional<LensPage>> fromCache(const core::Recipe& recipe,
                                                const core::Sample& sample,
                                                const std::shared_ptr<const Prepared>& prepared) {
    const std::optional<LensPage> none;
    if (!prepared || sample.source_index >= prepared->data->sources.size()) return none;
    if (!haveSameRows(prepared->recipe, recipe)) return none;
    const core::TokenCache& cache = prepared->data->cache(sample.source_index);
    LensPage page;
    core::PackedRow row;
    for (const uint32_t cached : rowsOf(cache, sample.sample_id)) {
        // A row that is left out has no tokens there: it is shown as it would have been.
        if (cache.statuses[cached] != core::RowStatus::Kept) return none;
        TRY_VOID(addDocument(*prepared, {sample.source_index, cached}, row, page));
    }
    if (row.tokens.empty()) return none;
    finish(*prepared, row, page);
    page.cache_file = cache.path().string();
    return std::optional(std::move(page));
}

/// The parts' names come from the template, the tokens [begin, end) are the cache's: names are
/// taken over where both are the same tokens.
void copyParts(const core::LensView& encoded, std::vector<core::LensToken>& tokens, size_t begin,
               size_t end) {
    const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = tokens.begin() + static_cast<std::ptrdiff_t>(end);
    const bool are_same = std::equal(first, last, encoded.tokens.begin(), encoded.tokens.end(),
                                     [](const core::LensToken& x, const core::LensToken& y) {
                                         return x.id == y.id && x.is_trained == y.is_trained;
                                     });
    if (!are_same) return;
    for (size_t i = begin; i < end; ++i) tokens[i].part = encoded.tokens[i - begin].part;
}

core::Result<core::LensView> encodeNow(const core::Recipe& recipe, const core::Sample& sample,
                                       const std::shared_ptr<const Prepared>& prepared) {
    if (!sample.token_ids.empty()) return core::token_lens(sample, recipe, nullptr);
    if (recipe.base.path.empty()) {
        return core::Error{.code = core::ErrorCode::BadTokenizer,
                           .message = "Tokens need a tokenizer, and no base model is chosen.",
                           .hint = "Choose one on stage Model."};
    }
    if (prepared && prepared->tokenizer && prepared->recipe.base.path == recipe.base.path &&
        prepared->recipe.folder == recipe.folder) {
        return core::token_lens(sample, recipe, prepared->tokenizer.get());
    }
    TRY(tokenizer, core::open_tokenizer(recipe.resolved(recipe.base.path)));
    return core::token_lens(sample, recipe, tokenizer.get());
}

/// Left out by the token filter, which encoding alone does not know.
void addFiltered(const std::shared_ptr<const Prepared>& prepared, const core::Sample& sample,
                 core::LensView& view) {
    if (!prepared || !view.dropped_because.empty()) return;
    if (sample.source_index >= prepared->data->sources.size()) return;
    const core::TokenCache& cache = prepared->data->cache(sample.source_index);
    for (const uint32_t row : rowsOf(cache, sample.sample_id)) {
        view.dropped_because = leftOutText(cache.statuses[row]);
    }
}

bool isStopUntrained(const core::TokenizedSample& sample) {
    return sample.lost_stop_token || sample.labels.empty() ||
           sample.labels.back() == core::kIgnoreLabel;
}

/// Whether the tokenizer puts a BOS first and the sample has none or several.
bool isBosWrong(const Prepared& prepared, const core::TokenizedSample& sample) {
    if (!prepared.tokenizer || !prepared.tokenizer->bos_id()) return false;
    const auto count =
        std::count(sample.tokens.begin(), sample.tokens.end(), *prepared.tokenizer->bos_id());
    const bool wants_one =
        prepared.tokenizer->adds_bos() && prepared.recipe.tokens.bos == core::BosRule::Auto;
    return count > 1 || (wants_one && count != 1);
}

core::Result<bool> isFound(const Prepared& prepared, const core::TokenCache& cache,
                           core::SampleRef ref, LensSearch search) {
    const bool is_kept = cache.statuses[ref.row] == core::RowStatus::Kept;
    switch (search) {
        case LensSearch::All:
            return is_kept;
        case LensSearch::CutOff:
            return is_kept && cache.truncated_counts[ref.row] > 0;
        case LensSearch::LeftOut:
            return !is_kept;
        case LensSearch::FewTrained:
            return is_kept && cache.target_counts[ref.row] < kFewTrained;
        case LensSearch::StopNotTrained: {
            if (!is_kept || cache.lost_stop[ref.row] != 0) return is_kept;
            TRY(sample, prepared.data->read_sample(ref));
            return isStopUntrained(sample);
        }
        case LensSearch::NotOneBos: {
            if (!is_kept) return false;
            TRY(sample, prepared.data->read_sample(ref));
            return isBosWrong(prepared, sample);
        }
        case LensSearch::kCount:
            break;
    }
    return false;
}

}  // namespace

std::string leftOutText(core::RowStatus status) {
    switch (status) {
        case core::RowStatus::Kept:
            return {};
        case core::RowStatus::TooLong:
            return "too long";
        case core::RowStatus::FewTokens:
            return "fewer tokens than min_tokens";
        case core::RowStatus::ManyTokens:
            return "more tokens than max_tokens";
    }
    return {};
}

core::Result<LensPage> readLens(const core::Recipe& recipe, const core::Sample& sample,
                                const std::shared_ptr<const Prepared>& prepared) {
    TRY(cached, fromCache(recipe, sample, prepared));
    auto encoded = encodeNow(recipe, sample, prepared);
    if (cached) {
        auto& tokens = cached->view.tokens;
        if (encoded.ok()) copyParts(*encoded, tokens, 0, tokens.size());
        return std::move(*cached);
    }
    if (!encoded.ok()) return std::move(encoded).error();
    LensPage page;
    page.view = std::move(encoded).value();
    page.is_cut_at_start = cutsAtStart(recipe, sample.source_index);
    if (prepared && haveSameRows(prepared->recipe, recipe)) {
        addFiltered(prepared, sample, page.view);
    }
    return page;
}

core::Result<LensPage> readCachedLens(const Prepared& prepared,
                                      const std::vector<core::SampleRef>& documents) {
    LensPage page;
    core::PackedRow row;
    for (const core::SampleRef& document : documents) {
        TRY_VOID(addDocument(prepared, document, row, page));
    }
    finish(prepared, row, page);
    if (documents.size() != 1) return page;
    const core::SampleRef& sample = documents.front();
    const core::TokenCache& cache = prepared.data->cache(sample.source_index);
    page.cache_file = cache.path().string();
    page.view.dropped_because = leftOutText(cache.statuses[sample.row]);
    return page;
}

void nameParts(const Prepared& prepared, const std::vector<core::SampleRef>& documents,
               SourceRows& rows, std::stop_token stop, LensPage& page) {
    auto& tokens = page.view.tokens;
    size_t begin = 0;
    for (size_t i = 0; i < documents.size() && i < page.documents.size(); ++i) {
        if (stop.stop_requested()) return;
        const auto end = begin + static_cast<size_t>(page.documents[i].tokens);
        if (const auto sample = rows.sample(prepared, documents[i], stop); sample.ok()) {
            const auto encoded =
                core::token_lens(*sample, prepared.recipe, prepared.tokenizer.get());
            if (encoded.ok()) copyParts(*encoded, tokens, begin, end);
        }
        begin = end;
    }
}

core::Result<std::vector<core::SampleRef>> searchSamples(const Prepared& prepared,
                                                         LensSearch search, int source,
                                                         std::stop_token stop) {
    std::vector<core::SampleRef> found;
    for (uint32_t i = 0; i < prepared.data->sources.size(); ++i) {
        if (source >= 0 && static_cast<uint32_t>(source) != i) continue;
        const core::TokenCache& cache = prepared.data->cache(i);
        for (uint32_t row = 0; row < cache.row_count() && !stop.stop_requested(); ++row) {
            TRY(is_found, isFound(prepared, cache, {i, row}, search));
            if (is_found) found.push_back({i, row});
        }
    }
    return found;
}

}  // namespace dayrun::ui
