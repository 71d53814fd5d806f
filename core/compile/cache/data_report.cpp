// CompiledData to JSON. Neighbour: data_report.h.
#include "core/compile/cache/data_report.h"

#include <nlohmann/json.hpp>

namespace dayrun::core {
namespace {

using Json = nlohmann::ordered_json;

/// Texts are looked up in the caches one by one; more than this nobody reads in one document.
constexpr size_t kMostTexts = 1000;

Json drops_json(const DropReport& dropped) {
    Json reasons = Json::object();
    for (const auto& [reason, entry] : dropped.reasons) {
        reasons[reason] = {{"count", entry.count}, {"examples", entry.examples}};
    }
    return reasons;
}

Json source_json(const SourceReport& source) {
    return {{"name", source.name},
            {"path", source.path},
            {"converter", source.converter},
            {"sha256", source.sha256},
            {"from_cache", source.from_cache},
            {"rows_in", source.rows_in},
            {"dropped", drops_json(source.dropped)},
            {"shortened", drops_json(source.shortened)},
            {"train_rows", source.train_rows},
            {"validation_rows", source.validation_rows},
            {"test_rows", source.test_rows},
            {"untrained_rows", source.untrained_rows},
            {"truncated_rows", source.truncated_rows},
            {"truncated_tokens", source.truncated_tokens},
            {"truncated_target_tokens", source.truncated_target_tokens},
            {"lost_stop_tokens", source.lost_stop_tokens},
            {"tokens", source.tokens},
            {"trained_tokens", source.trained_tokens},
            {"rows_per_epoch", source.rows_per_epoch},
            {"trained_tokens_per_epoch", source.trained_tokens_per_epoch},
            {"effective_epochs", source.effective_epochs},
            {"effective_unique_rows", source.effective_unique_rows},
            {"missing_rows", source.missing_rows},
            {"share", source.share}};
}

Json duplicates_json(const CompiledData& data) {
    Json list = Json::array();
    for (const DuplicateRow& duplicate : data.duplicates) {
        list.push_back({{"row", data.place_of(duplicate.row)},
                        {"kept", data.place_of(duplicate.kept)},
                        {"similarity", duplicate.similarity}});
    }
    return list;
}

Result<Json> overlap_json(const CompiledData& data, const Tokenizer* tokenizer) {
    const OverlapReport& overlap = data.overlap;
    Json sets = Json::array();
    for (const OverlapSet& set : overlap.sets) {
        Json by_source = Json::object();
        for (size_t i = 0; i < data.sources.size(); ++i) {
            by_source[data.sources[i].name] = {{"exact", set.exact_by_source[i]},
                                               {"ngram", set.ngram_by_source[i]}};
        }
        sets.push_back({{"name", set.name},
                        {"rows", set.rows},
                        {"exact_rows", set.exact_rows},
                        {"ngram_rows", set.ngram_rows},
                        {"training_rows", by_source}});
    }
    Json hits = Json::array();
    for (const OverlapHit& hit : overlap.hits) {
        Json one = {{"row", data.place_of(hit.train)},
                    {"set", overlap.sets[hit.set].name},
                    {"other", hit.other},
                    {"exact", hit.is_exact},
                    {"words", hit.end - hit.begin}};
        if (hits.size() < kMostTexts) {
            TRY(shared, data.shared_text(hit, tokenizer));
            one["shared"] = std::move(shared);
        }
        hits.push_back(std::move(one));
    }
    return Json{{"exact", overlap.exact},
                {"training_rows", overlap.training_rows()},
                {"examples", overlap.examples},
                {"sets", sets},
                {"hits", hits}};
}

}  // namespace

Result<std::string> data_report_json(const CompiledData& data, const Tokenizer* tokenizer) {
    Json sources = Json::array();
    for (const SourceReport& source : data.sources) sources.push_back(source_json(source));
    TRY(overlap, overlap_json(data, tokenizer));
    const Json json{{"data_sha256", data.data_sha256},
                    {"sources", sources},
                    {"duplicates", duplicates_json(data)},
                    {"overlap", overlap},
                    {"warnings", data.warnings}};
    // Examples may quote file names in any encoding.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dayrun::core
