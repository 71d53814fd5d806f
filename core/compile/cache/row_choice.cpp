// The steps of row_choice.h, each over all sources. Neighbours: duplicates.cpp and
// overlap_scan.cpp compare the rows' words; core/data/curate.
#include "core/compile/cache/row_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/rng.h"
#include "core/base/units.h"
#include "core/compile/cache/duplicates.h"
#include "core/compile/cache/token_cache.h"
#include "core/data/curate/mix.h"
#include "core/data/curate/split.h"

namespace dayrun::core {
namespace {

void erase_rows(std::vector<uint32_t>& rows, std::vector<uint32_t> erased) {
    std::sort(erased.begin(), erased.end());
    std::erase_if(
        rows, [&](uint32_t row) { return std::binary_search(erased.begin(), erased.end(), row); });
}

}  // namespace

RowChoice::RowChoice(const Recipe& recipe, const Caches& caches, CompiledData& data,
                     std::function<void(const char* step)> on_step, std::stop_token stop)
    : m_recipe(recipe),
      m_caches(caches),
      m_data(data),
      m_on_step(std::move(on_step)),
      m_stop(stop),
      m_overlap(recipe, caches, std::move(stop)) {
    for (const auto& cache : caches) {
        std::vector<uint32_t> rows(cache->row_count());
        for (uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
        m_rows.push_back(std::move(rows));
    }
}

Result<ChosenRows> RowChoice::choose() {
    drop_filtered();
    drop_named();
    TRY_VOID(drop_duplicates());
    drop_unusable();
    split();
    take_held_out();
    TRY_VOID(drop_overlapping());
    take_train();
    TRY_VOID(report_overlap());
    return std::move(m_chosen);
}

std::string RowChoice::place(size_t source, uint32_t row) const {
    return fmt::format("row {}", cache(source).row_indices[row] + 1);
}

void RowChoice::drop(size_t source, const std::string& reason, const std::string& example,
                     DropCause cause) {
    m_data.sources[source].dropped.add(reason, example, cause);
}

// Rows left out by the token filter never reach the later steps.
void RowChoice::drop_filtered() {
    for (size_t i = 0; i < m_rows.size(); ++i) {
        std::erase_if(m_rows[i], [&](uint32_t row) {
            const RowStatus status = cache(i).statuses[row];
            const bool is_few = status == RowStatus::FewTokens;
            if (!is_few && status != RowStatus::ManyTokens) return false;
            drop(i, is_few ? "fewer tokens than min_tokens" : "more tokens than max_tokens",
                 place(i, row));
            return true;
        });
    }
}

// Rows that the recipe leaves out by number: a view over the cache, nothing is read again.
void RowChoice::drop_named() {
    for (size_t i = 0; i < m_rows.size(); ++i) {
        const std::vector<int64_t>& named = m_recipe.data[i].drop_rows;
        if (named.empty() || m_rows[i].empty()) continue;
        std::set<int64_t> met;
        std::erase_if(m_rows[i], [&](uint32_t row) {
            const auto number = static_cast<int64_t>(cache(i).row_indices[row]) + 1;
            if (!std::binary_search(named.begin(), named.end(), number)) return false;
            met.insert(number);
            drop(i, kLeftOutByNumber, place(i, row));
            return true;
        });
        const auto unmet = std::find_if(named.begin(), named.end(),
                                        [&](int64_t number) { return !met.contains(number); });
        if (unmet == named.end()) continue;
        m_data.warnings.push_back(fmt::format(
            "'{}': drop_rows names {} without a sample (row {}, for one).", m_recipe.data[i].name,
            count_of(static_cast<int64_t>(named.size() - met.size()), "row"), *unmet));
    }
}

// Over all training sources in the recipe's order; the first of equal rows stays.
Result<void> RowChoice::drop_duplicates() {
    if (m_recipe.mix.dedupe == DedupeMode::None) return {};
    std::vector<SampleRef> rows;
    for (size_t i = 0; i < m_rows.size(); ++i) {
        if (!is_trained(use_of(i))) continue;
        for (const uint32_t row : m_rows[i]) rows.push_back({static_cast<uint32_t>(i), row});
    }
    const char* const reason = m_recipe.mix.dedupe == DedupeMode::Near    ? "near duplicate"
                               : m_recipe.mix.dedupe == DedupeMode::Input ? "duplicate input"
                                                                          : "duplicate";
    m_on_step("looking for duplicates");
    TRY(duplicates, find_duplicate_rows(m_recipe, m_caches, rows, m_stop));
    m_data.duplicates = std::move(duplicates);
    std::vector<std::vector<uint32_t>> repeated(m_rows.size());
    for (const DuplicateRow& duplicate : m_data.duplicates) {
        const auto [source, row] = duplicate.row;
        const std::string sign = m_recipe.mix.dedupe == DedupeMode::Near
                                     ? fmt::format("~ {:.2f}", duplicate.similarity)
                                     : "=";
        drop(source, reason,
             fmt::format("{} {} {}", place(source, row), sign, m_data.place_of(duplicate.kept)));
        repeated[source].push_back(row);
    }
    for (size_t i = 0; i < m_rows.size(); ++i) erase_rows(m_rows[i], std::move(repeated[i]));
    return {};
}

// What encoding could not use is dropped before the split, so that its counts are of real
// rows.
void RowChoice::drop_unusable() {
    for (size_t i = 0; i < m_rows.size(); ++i) {
        std::erase_if(m_rows[i], [&](uint32_t row) {
            if (cache(i).statuses[row] == RowStatus::Kept) return false;
            drop(i, "too long", place(i, row), DropCause::Row);
            return true;
        });
    }
}

void RowChoice::split() {
    std::vector<SampleRef> all;
    std::vector<uint64_t> groups;
    for (size_t i = 0; i < m_rows.size(); ++i) {
        if (use_of(i) != SourceUse::BySplit) continue;
        for (const uint32_t row : m_rows[i]) {
            all.push_back({static_cast<uint32_t>(i), row});
            groups.push_back(cache(i).group_hashes[row]);
        }
    }
    const SplitResult result = split_by_group(groups, m_recipe.split, m_recipe.seed);
    m_chosen.train.assign(m_rows.size(), {});
    for (size_t at = 0; at < all.size(); ++at) {
        if (result.parts[at] == DataPart::Train) {
            m_chosen.train[all[at].source_index].push_back(all[at].row);
        }
    }
    for (const uint32_t at : result.held_out) {
        const bool is_test = result.parts[at] == DataPart::Test;
        (is_test ? m_chosen.test : m_chosen.validation).push_back(all[at]);
    }
    for (size_t i = 0; i < m_rows.size(); ++i) {
        if (use_of(i) == SourceUse::Train) m_chosen.train[i] = m_rows[i];
    }
}

// The seeded part of `rows` that a source's `take` asks for, in file order.
std::vector<uint32_t> RowChoice::taken(size_t source, const std::vector<uint32_t>& rows) {
    const TakeSpec& spec = m_recipe.data[source].take;
    if (!spec.rows && !spec.fraction) return rows;
    const Portion portion{.rows = spec.rows, .fraction = spec.fraction};
    const int64_t count = portion_rows(portion, static_cast<int64_t>(rows.size()));
    const auto order = permutation(static_cast<uint32_t>(rows.size()), m_recipe.seed,
                                   "take/" + m_recipe.data[source].name);
    std::vector<uint32_t> chosen;
    for (int64_t i = 0; i < count; ++i) {
        chosen.push_back(rows[order[static_cast<size_t>(i)]]);
    }
    std::sort(chosen.begin(), chosen.end());
    const auto left = static_cast<int64_t>(rows.size() - chosen.size());
    if (left > 0) {
        DropReport::Reason& reason = m_data.sources[source].dropped.reasons["not taken"];
        reason.count += left;
        reason.cause = DropCause::Recipe;
    }
    return chosen;
}

void RowChoice::take_held_out() {
    for (size_t i = 0; i < m_rows.size(); ++i) {
        if (is_trained(use_of(i))) continue;
        auto& part = use_of(i) == SourceUse::Test ? m_chosen.test : m_chosen.validation;
        for (const uint32_t row : taken(i, m_rows[i])) {
            part.push_back({static_cast<uint32_t>(i), row});
        }
    }
    if (!m_recipe.mix.shuffle) return;
    // So that the first rows of validation are a fair sample of every source.
    Rng(m_recipe.seed, "validation").shuffle(std::span<SampleRef>(m_chosen.validation));
    Rng(m_recipe.seed, "test").shuffle(std::span<SampleRef>(m_chosen.test));
}

// Overlapping rows go before `take`, so that as many are left as it asks for.
Result<void> RowChoice::drop_overlapping() {
    m_on_step("looking for overlap");
    TRY_VOID(m_overlap.read_files());
    TRY_VOID(m_overlap.set_held_out(m_chosen.validation, m_chosen.test));
    if (m_recipe.overlap.remove == OverlapRemoval::None) return {};
    TRY(report, m_overlap.compare(m_chosen.train));
    std::vector<std::vector<uint32_t>> removed(m_rows.size());
    for (const OverlapHit& hit : report.hits) {
        if (m_recipe.overlap.remove == OverlapRemoval::Exact && !hit.is_exact) continue;
        const uint32_t source = hit.train.source_index;
        // A row that overlaps with several sets is one row.
        if (!removed[source].empty() && removed[source].back() == hit.train.row) continue;
        removed[source].push_back(hit.train.row);
        drop(source, fmt::format("overlaps with {}", report.sets[hit.set].name),
             fmt::format("{} {} {}", place(source, hit.train.row), hit.is_exact ? "=" : "~",
                         hit.other));
    }
    for (size_t i = 0; i < m_rows.size(); ++i) {
        erase_rows(m_chosen.train[i], std::move(removed[i]));
    }
    return {};
}

void RowChoice::take_train() {
    for (size_t i = 0; i < m_rows.size(); ++i) {
        if (is_trained(use_of(i))) m_chosen.train[i] = taken(i, m_chosen.train[i]);
    }
}

Result<void> RowChoice::report_overlap() {
    TRY(report, m_overlap.compare(m_chosen.train));
    m_data.overlap = std::move(report);
    constexpr size_t kMaxExamples = 5;
    for (const OverlapHit& hit : m_data.overlap.hits) {
        if (m_data.overlap.examples.size() == kMaxExamples) break;
        m_data.overlap.examples.push_back(fmt::format("{} {} {}", m_data.place_of(hit.train),
                                                      hit.is_exact ? "=" : "~", hit.other));
    }
    for (const OverlapSet& set : m_data.overlap.sets) {
        if (set.name == "validation") m_data.overlap.exact = set.exact_rows;
        if (set.exact_rows + set.ngram_rows == 0) continue;
        m_data.warnings.push_back(
            fmt::format("{} of {} with an input that is also trained, {} with {} of a training row "
                        "(for example "
                        "{}).",
                        count_of(set.exact_rows, "row"), set.name, format_count(set.ngram_rows),
                        count_of(m_recipe.overlap.ngram, "word"), m_data.overlap.examples.front()));
    }
    return {};
}

}  // namespace dayrun::core
