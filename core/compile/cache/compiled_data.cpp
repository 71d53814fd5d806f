// Reading out of the caches: epochs, rows, held-out batches and the manifest. Neighbour:
// data_compiler.cpp fills it.
#include "core/compile/cache/compiled_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/hash.h"
#include "core/base/rng.h"
#include "core/compile/cache/duplicates.h"
#include "core/compile/cache/token_cache.h"
#include "core/compile/packing/pack.h"
#include "core/data/curate/mix.h"
#include "core/data/curate/words.h"

namespace dayrun::core {
namespace {

/// Row numbers in order as "0-99,101", so that a manifest of a million rows stays short.
std::string as_ranges(std::vector<uint64_t> rows) {
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    std::string text;
    for (size_t i = 0; i < rows.size();) {
        size_t last = i;
        while (last + 1 < rows.size() && rows[last + 1] == rows[last] + 1) ++last;
        if (!text.empty()) text += ',';
        text += last == i ? std::to_string(rows[i]) : fmt::format("{}-{}", rows[i], rows[last]);
        i = last + 1;
    }
    return text;
}

}  // namespace

int64_t OverlapReport::training_rows() const {
    int64_t count = 0;
    const SampleRef* before = nullptr;
    for (const OverlapHit& hit : hits) {
        const bool is_same = before != nullptr && before->source_index == hit.train.source_index &&
                             before->row == hit.train.row;
        count += is_same ? 0 : 1;
        before = &hit.train;
    }
    return count;
}

std::string CompiledData::place_of(SampleRef sample) const {
    return fmt::format("{} row {}", sources[sample.source_index].name,
                       m_caches[sample.source_index]->row_indices[sample.row] + 1);
}

bool CompiledData::has_damaged_cache() const {
    return std::any_of(m_caches.begin(), m_caches.end(),
                       [](const auto& cache) { return cache->is_damaged(); });
}

Result<std::string> CompiledData::shared_text(const OverlapHit& hit,
                                              const Tokenizer* tokenizer) const {
    TRY(words, m_caches[hit.train.source_index]->words(hit.train.row));
    const auto begin = static_cast<size_t>(hit.begin);
    const auto end = std::min(static_cast<size_t>(hit.end), words.size());
    if (begin >= end || tokenizer == nullptr) return std::string();
    std::vector<uint32_t> wanted(words.begin() + hit.begin,
                                 words.begin() + static_cast<std::ptrdiff_t>(end));
    std::erase(wanted, kPartEnd);
    // The cache holds the whole document, template and all: the stretch is looked up in its text.
    TRY(sample, read_sample(hit.train));
    const std::string text = tokenizer->decode(sample.tokens);
    const std::vector<Word> all = words_of(text);
    const auto found =
        std::search(all.begin(), all.end(), wanted.begin(), wanted.end(),
                    [](const Word& word, uint32_t hash) { return word.hash == hash; });
    if (found == all.end()) return std::string();
    const Word& last = *(found + static_cast<std::ptrdiff_t>(wanted.size()) - 1);
    return text.substr(found->begin, last.end - found->begin);
}

Result<std::vector<DuplicateRow>> CompiledData::find_duplicates(const Recipe& recipe,
                                                                std::stop_token stop) const {
    return find_duplicate_rows(recipe, m_caches, train_samples(), std::move(stop));
}

std::vector<SampleRef> CompiledData::train_samples() const {
    std::vector<SampleRef> samples;
    for (uint32_t source = 0; source < m_train.size(); ++source) {
        for (const uint32_t row : m_train[source]) samples.push_back({source, row});
    }
    return samples;
}

std::vector<MixSource> CompiledData::mix_sources(const Recipe& recipe) const {
    std::vector<MixSource> mixed;
    for (size_t i = 0; i < sources.size(); ++i) {
        const DataSpec& spec = recipe.data[i];
        const bool is_trained = spec.use == SourceUse::BySplit || spec.use == SourceUse::Train;
        MixSource source;
        source.name = spec.name;
        source.copies = spec.copies;
        source.rows = is_trained ? sources[i].train_rows : 0;
        source.weight = is_trained ? spec.weight : std::nullopt;
        if (source.rows > 0) {
            source.mean_trained_tokens =
                static_cast<double>(sources[i].trained_tokens) / static_cast<double>(source.rows);
        }
        mixed.push_back(std::move(source));
    }
    return mixed;
}

int64_t CompiledData::train_rows() const {
    int64_t sum = 0;
    for (size_t i = 0; i < m_train.size(); ++i) sum += m_train[i].empty() ? 0 : m_per_epoch[i];
    return sum;
}

EpochPlan CompiledData::plan_epoch(int64_t epoch) const {
    EpochPlan plan;
    plan.samples.reserve(static_cast<size_t>(train_rows()));
    for (size_t i = 0; i < m_train.size(); ++i) {
        const auto& rows = m_train[i];
        for (const uint32_t place : mix_rows(sources[i].name, static_cast<uint32_t>(rows.size()),
                                             m_per_epoch[i], epoch, m_seed, m_shuffle)) {
            plan.samples.push_back({static_cast<uint32_t>(i), rows[place]});
        }
    }
    if (m_shuffle) {
        Rng rng(m_seed, fmt::format("epoch/{}", epoch));
        rng.shuffle(std::span<SampleRef>(plan.samples));
    }
    if (!m_packing) {
        plan.rows = one_document_a_row(plan.samples.size());
        return plan;
    }
    std::vector<int32_t> lengths;
    lengths.reserve(plan.samples.size());
    for (const SampleRef& sample : plan.samples) {
        lengths.push_back(m_caches[sample.source_index]->token_counts[sample.row]);
    }
    plan.rows = pack_first_fit(lengths, m_max_seq_len);
    return plan;
}

int64_t CompiledData::rows_in_epoch(int64_t epoch) const {
    // Without packing the count needs no plan.
    if (!m_packing) return train_rows();
    return static_cast<int64_t>(plan_epoch(epoch).rows.size());
}

int64_t CompiledData::micro_batches_in_epoch(int64_t epoch) const {
    return (rows_in_epoch(epoch) + m_micro_batch_size - 1) / m_micro_batch_size;
}

bool needs_tokenizer(const Recipe& recipe) {
    return std::any_of(recipe.data.begin(), recipe.data.end(),
                       [](const DataSpec& source) { return source.converter != "token_ids"; });
}

int64_t CompiledData::row_tokens(const EpochPlan& plan, size_t row) const {
    int64_t tokens = 0;
    for (const uint32_t place : plan.rows[row]) {
        const SampleRef& sample = plan.samples[place];
        tokens += m_caches[sample.source_index]->token_counts[sample.row];
    }
    return tokens;
}

Result<TokenizedSample> CompiledData::read_sample(SampleRef sample) const {
    return m_caches[sample.source_index]->read(sample.row, sample.source_index);
}

namespace {

void append_document(const TokenizedSample& sample, PackedRow& row) {
    const auto begin = static_cast<int32_t>(row.tokens.size());
    row.tokens.insert(row.tokens.end(), sample.tokens.begin(), sample.tokens.end());
    row.labels.insert(row.labels.end(), sample.labels.begin(), sample.labels.end());
    const auto end = static_cast<int32_t>(row.tokens.size());
    row.documents.push_back({sample.sample_id, sample.source_index, begin, end});
    row.target_token_count += sample.target_token_count();
}

}  // namespace

Result<PackedRow> CompiledData::read_row(const EpochPlan& plan, size_t row) const {
    PackedRow packed;
    const auto tokens = static_cast<size_t>(row_tokens(plan, row));
    packed.tokens.reserve(tokens);
    packed.labels.reserve(tokens);
    packed.documents.reserve(plan.rows[row].size());
    for (const uint32_t place : plan.rows[row]) {
        TRY(sample, read_sample(plan.samples[place]));
        append_document(sample, packed);
    }
    return packed;
}

Result<std::vector<PackedBatch>> CompiledData::batches_of(const std::vector<SampleRef>& samples,
                                                          int64_t row_limit) const {
    size_t count = samples.size();
    if (row_limit > 0) count = std::min(count, static_cast<size_t>(row_limit));
    EpochPlan plan;
    plan.samples.assign(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count));
    std::vector<int32_t> lengths;
    for (const SampleRef& sample : plan.samples) {
        lengths.push_back(m_caches[sample.source_index]->token_counts[sample.row]);
    }
    plan.rows = m_packing ? pack_first_fit(lengths, m_max_seq_len) : one_document_a_row(count);
    std::vector<PackedBatch> batches;
    std::vector<PackedRow> rows;
    for (size_t row = 0; row < plan.rows.size(); ++row) {
        TRY(packed, read_row(plan, row));
        rows.push_back(std::move(packed));
        const bool is_full = static_cast<int64_t>(rows.size()) == m_micro_batch_size;
        if (!is_full && row + 1 < plan.rows.size()) continue;
        batches.push_back(make_batch(rows, m_packing ? m_max_seq_len : 0, batches.size()));
        rows.clear();
    }
    return batches;
}

Result<std::vector<PackedBatch>> CompiledData::validation_batches(int64_t row_limit) const {
    return batches_of(m_validation, row_limit);
}

namespace {

/// The chosen rows of one part of a source, for the manifest.
nlohmann::ordered_json manifest_part(const TokenCache& cache, const std::vector<uint32_t>& rows) {
    std::vector<uint64_t> indices;
    Sha256 contents;
    for (const uint32_t row : rows) {
        indices.push_back(cache.row_indices[row]);
        const uint64_t sample[2] = {cache.sample_ids[row], cache.full_hashes[row]};
        contents.add(std::as_bytes(std::span(sample)));
    }
    return {{"samples", rows.size()},
            {"rows", as_ranges(std::move(indices))},
            {"sha256", contents.hex()}};
}

}  // namespace

std::string CompiledData::tokens_sha256() const {
    Sha256 all;
    const std::vector<SampleRef> train = train_samples();
    for (const auto* samples : {&train, &m_validation, &m_test}) {
        for (const SampleRef& sample : *samples) {
            const uint64_t checksum = m_caches[sample.source_index]->checksum(sample.row);
            all.add(std::as_bytes(std::span(&checksum, 1)));
        }
    }
    return all.hex();
}

std::string CompiledData::manifest_json() const {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (size_t i = 0; i < sources.size(); ++i) {
        const auto rows_of = [&](const std::vector<SampleRef>& samples) {
            std::vector<uint32_t> rows;
            for (const SampleRef& sample : samples) {
                if (sample.source_index == i) rows.push_back(sample.row);
            }
            return rows;
        };
        nlohmann::ordered_json files = nlohmann::ordered_json::array();
        for (const SourceFile& file : sources[i].files) {
            files.push_back({{"name", file.path.filename().string()},
                             {"bytes", file.bytes},
                             {"sha256", file.sha256}});
        }
        list.push_back({{"name", sources[i].name},
                        {"converter", sources[i].converter},
                        {"sha256", sources[i].sha256},
                        {"files", files},
                        {"rows_in", sources[i].rows_in},
                        {"rows_per_epoch", m_per_epoch[i]},
                        {"train", manifest_part(*m_caches[i], m_train[i])},
                        {"validation", manifest_part(*m_caches[i], rows_of(m_validation))},
                        {"test", manifest_part(*m_caches[i], rows_of(m_test))}});
    }
    const nlohmann::ordered_json json{{"format", 2}, {"seed", m_seed}, {"sources", list}};
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace dayrun::core
