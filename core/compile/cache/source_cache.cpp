// Building a source's token cache block by block; the blocks are encoded on all cores and written
// in file order, so the bytes do not depend on the number of threads. Neighbour: source_cache.h.
#include "core/compile/cache/source_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/base/hash.h"
#include "core/base/units.h"
#include "core/compile/encode.h"
#include "core/data/curate/dedupe.h"
#include "core/data/curate/filter.h"
#include "core/data/curate/words.h"
#include "core/data/read_samples.h"
#include "core/data/text.h"
#include "core/device/worker_threads.h"

namespace dayrun::core {
namespace {

/// Encoding or hashing changed: caches of before no longer fit.
constexpr std::string_view kEncodeVersion = "4";

const DataSpec& spec_of(const SourceCacheRequest& request) {
    return request.recipe.data[request.source.source_index];
}

/// For tokens(f) in `where`; empty where there is no tokenizer.
TokenCounter token_counter(const Tokenizer* tokenizer) {
    if (tokenizer == nullptr) return {};
    return [tokenizer](std::string_view text) {
        return static_cast<int64_t>(tokenizer->encode(text, SpecialTokens::Plain).size());
    };
}

/// Why the encoder made nothing of a sample.
struct LeftOut {
    std::string reason = {};   // "" when it was used
    std::string example = {};  // where, and the words of a refusal
};

/// Makes and writes one cache.
class CacheBuilder {
  public:
    CacheBuilder(const SourceCacheRequest& request, SampleFilter filter, TokenCacheWriter writer)
        : m_request(request),
          m_spec(spec_of(request)),
          m_filter(std::move(filter)),
          m_writer(std::move(writer)),
          m_encoder(request.chat_template, request.tokenizer,
                    EncodePolicy::of(request.recipe, m_spec)),
          m_reader(request.source) {}

    Result<CacheReport> build() {
        bool has_more = true;
        SampleBlock samples;
        while (has_more) {
            if (m_request.stop.stop_requested()) {
                return Error{.code = ErrorCode::Cancelled,
                             .message = "Reading the data was stopped."};
            }
            samples.clear();
            TRY(more, m_reader.read(kBlockSamples * m_threads, samples));
            has_more = more;
            TRY_VOID(keep_filtered(samples));
            if (m_is_first && !samples.empty()) TRY_VOID(check_first(samples[0]));
            encode_block(samples);
            count_left_out();
            for (const auto& rows : m_rows) {
                for (const CacheRow& row : rows) TRY_VOID(write(row));
            }
            if (m_request.progress) m_request.progress(m_reader.bytes_read());
        }
        m_report.converter = m_reader.converter_name();
        m_report.warning = training_warning(m_reader.converter(), m_request.source.files);
        m_report.rows_in = m_reader.rows_in();
        m_report.dropped.add(m_reader.dropped());
        m_report.shortened = m_reader.shortened();
        if (m_report.rows_in == 0) {
            return Error{.code = ErrorCode::BadData,
                         .message = fmt::format("The data source '{}' ({}) holds no rows.",
                                                m_spec.name, m_spec.path),
                         .hint = "Give a file that is not empty, or remove the source."};
        }
        // Its name says the hash of what was there before reading.
        TRY_VOID(check_unchanged(m_request.source));
        TRY_VOID(m_writer.finish(m_report.to_json()));
        return m_report;
    }

  private:
    Result<void> keep_filtered(SampleBlock& samples) {
        Result<void> outcome;
        samples.keep_if([&](Sample& sample) {
            auto reason = m_filter.reason(sample);
            if (!reason.ok()) {
                if (outcome.ok()) outcome = std::move(reason).error();
                return false;
            }
            if (reason->empty()) {
                lowercase_input(sample, m_spec.lowercase, m_request.recipe.seed);
                return true;
            }
            m_report.dropped.add(*reason, fmt::format("row {}", sample.row_index + 1),
                                 DropCause::Recipe);
            return false;
        });
        return outcome;
    }

    /// What can be said about the whole source by its first sample.
    Result<void> check_first(const Sample& sample) {
        m_is_first = false;
        m_report.is_plain_text = sample.messages().empty() && sample.token_ids.empty();
        if (sample.token_ids.empty() && m_request.tokenizer == nullptr) {
            return Error{.code = ErrorCode::BadTokenizer,
                         .message = fmt::format("The source '{}' holds text, and the base model's "
                                                "folder has no tokenizer.",
                                                m_spec.name),
                         .hint = "Add the model's tokenizer files, or use converter: token_ids."};
        }
        const TooLong rule = m_spec.too_long.value_or(m_request.recipe.tokens.too_long);
        if (rule == TooLong::Split && !m_report.is_plain_text) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("too_long: split is for plain text; '{}' holds "
                                                "instructions.",
                                                m_spec.name),
                         .hint = "Choose drop, keep_head or keep_tail for this source."};
        }
        const std::string& group = m_request.recipe.split.group_by;
        if (group != "input" && sample.token_ids.empty() && !sample.has_field(group)) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("split.group_by is '{}', a field that the samples "
                                                "of '{}' do not have.",
                                                group, m_spec.name),
                         .hint = "Their fields are:" + sample.field_names() + "."};
        }
        return m_request.chat_template.check_fields(sample);
    }

    /// Dropped samples under the encoder's own reasons; only rows that later steps may still use
    /// reach the cache.
    void count_left_out() {
        for (const LeftOut& left : m_left_out) {
            if (left.reason.empty()) continue;
            m_report.dropped.add(left.reason, left.example);
        }
    }

    std::vector<CacheRow> encode(const Sample& sample, LeftOut& left_out) const {
        const std::string& group = m_request.recipe.split.group_by;
        CacheRow shared;
        shared.input_hash = input_hash(sample);
        shared.full_hash = full_hash(sample);
        const bool is_grouped = group != "input" && sample.token_ids.empty();
        shared.group_hash = is_grouped ? hash_text(sample.field(group)) : shared.input_hash;
        std::vector<EncodedSample> parts = m_encoder.encode(sample);
        const std::vector<uint32_t> words = compared_words(sample);
        std::vector<CacheRow> rows;
        uint64_t part = 0;
        for (EncodedSample& encoded : parts) {
            const std::string where = fmt::format("row {}", sample.row_index + 1);
            if (encoded.status == EncodeStatus::Refused) {
                left_out = {"refused by the model's chat_template", where + ": " + encoded.reason};
                continue;
            }
            if (encoded.status == EncodeStatus::NothingTrained) {
                left_out = {"nothing to train: " + encoded.reason, where};
                continue;
            }
            if (encoded.status == EncodeStatus::Unfit) {
                left_out = {encoded.reason, where};
                continue;
            }
            CacheRow row = shared;
            // The windows of one split text have about equal shares of its words.
            const auto border = [&](size_t at) {
                return words.begin() +
                       static_cast<std::ptrdiff_t>(words.size() * at / parts.size());
            };
            row.words.assign(border(rows.size()), border(rows.size() + 1));
            row.status = status_of(encoded);
            row.truncated_target_tokens = static_cast<int32_t>(encoded.truncated_target_tokens);
            row.sample = std::move(encoded.sample);
            // Parts of one split text are different rows with one group.
            row.input_hash += part;
            row.full_hash += part++;
            rows.push_back(std::move(row));
        }
        return rows;
    }

    RowStatus status_of(const EncodedSample& encoded) const {
        const auto tokens =
            static_cast<int64_t>(encoded.sample.tokens.size()) + encoded.sample.truncated_tokens;
        if (m_spec.filter.min_tokens && tokens < *m_spec.filter.min_tokens) {
            return RowStatus::FewTokens;
        }
        if (m_spec.filter.max_tokens && tokens > *m_spec.filter.max_tokens) {
            return RowStatus::ManyTokens;
        }
        return encoded.status == EncodeStatus::TooLong ? RowStatus::TooLong : RowStatus::Kept;
    }

    void encode_block(const SampleBlock& samples) {
        m_rows.assign(samples.size(), {});
        m_left_out.assign(samples.size(), {});
        const size_t workers = std::min<size_t>(m_threads, samples.size() / 64 + 1);
        const auto work = [&](size_t worker) {
            for (size_t i = worker; i < samples.size(); i += workers)
                m_rows[i] = encode(samples[i], m_left_out[i]);
        };
        std::vector<std::jthread> threads;
        for (size_t worker = 1; worker < workers; ++worker) threads.emplace_back(work, worker);
        work(0);
    }

    Result<void> write(const CacheRow& row) {
        if (row.status == RowStatus::Kept) {
            for (const auto* ids : {&row.sample.tokens, &row.sample.labels}) {
                for (const int32_t id : *ids) {
                    m_report.max_token_id = std::max<int64_t>(m_report.max_token_id, id);
                }
            }
        }
        return m_writer.add(row);
    }

    const size_t m_threads = static_cast<size_t>(worker_threads());
    const SourceCacheRequest& m_request;
    const DataSpec& m_spec;
    SampleFilter m_filter;
    TokenCacheWriter m_writer;
    Encoder m_encoder;
    SampleReader m_reader;
    CacheReport m_report;
    std::vector<std::vector<CacheRow>> m_rows;  // of the block, by sample
    std::vector<LeftOut> m_left_out;            // likewise
    bool m_is_first = true;
};

nlohmann::ordered_json reasons_json(const DropReport& report) {
    nlohmann::ordered_json reasons = nlohmann::ordered_json::object();
    for (const auto& [name, reason] : report.reasons) {
        reasons[name] = {{"count", reason.count},
                         {"examples", reason.examples},
                         {"asked", reason.cause == DropCause::Recipe}};
    }
    return reasons;
}

void read_reasons(const nlohmann::json& reasons, DropReport& report) {
    for (const auto& [name, reason] : reasons.items()) {
        DropReport::Reason& entry = report.reasons[name];
        reason.at("count").get_to(entry.count);
        reason.at("examples").get_to(entry.examples);
        if (reason.value("asked", false)) entry.cause = DropCause::Recipe;
    }
}

}  // namespace

std::string CacheReport::to_json() const {
    const nlohmann::ordered_json json{{"converter", converter},
                                      {"warning", warning},
                                      {"rows_in", rows_in},
                                      {"max_token_id", max_token_id},
                                      {"is_plain_text", is_plain_text},
                                      {"dropped", reasons_json(dropped)},
                                      {"shortened", reasons_json(shortened)}};
    // Examples may quote file names in any encoding.
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<CacheReport> CacheReport::from_json(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    CacheReport report;
    try {
        json.at("converter").get_to(report.converter);
        json.at("warning").get_to(report.warning);
        json.at("rows_in").get_to(report.rows_in);
        json.at("max_token_id").get_to(report.max_token_id);
        json.at("is_plain_text").get_to(report.is_plain_text);
        read_reasons(json.at("dropped"), report.dropped);
        read_reasons(json.at("shortened"), report.shortened);
    } catch (const nlohmann::json::exception& error) {
        return Error{.code = ErrorCode::FileDamaged,
                     .message = "A token cache has an unreadable report.",
                     .detail = error.what()};
    }
    return report;
}

std::string source_cache_key(const SourceCacheRequest& request) {
    const Recipe& recipe = request.recipe;
    const DataSpec& spec = spec_of(request);
    Sha256 hash;
    const auto add = [&](std::string_view name, const auto& value) {
        hash.add_field(name);
        hash.add_field(fmt::format("{}", value));
    };
    const auto add_optional = [&](std::string_view name, const auto& value) {
        hash.add_field(name);
        hash.add_field(value ? fmt::format("{}", *value) : std::string("-"));
    };
    add("version", kEncodeVersion);
    add("name", spec.name);
    add("content", request.source.sha256);
    add("converter", spec.converter);
    for (const auto& [field, column] : spec.columns) {
        add("field", field);
        add("column", column);
    }
    add("turns", static_cast<int>(spec.turns));
    for (const auto& [field, text] : spec.fields) {
        add("field", field);
        add("text", text);
    }
    add_optional("min_words", spec.filter.min_words);
    add_optional("max_words", spec.filter.max_words);
    add_optional("min_input_words", spec.filter.min_input_words);
    add_optional("max_input_words", spec.filter.max_input_words);
    add_optional("min_tokens", spec.filter.min_tokens);
    add_optional("max_tokens", spec.filter.max_tokens);
    add("where", spec.filter.where);
    add("lowercase", spec.lowercase);
    add("seed", spec.lowercase > 0 ? recipe.seed : 0);
    add("group_by", recipe.split.group_by);
    add("template", request.chat_template.fingerprint());
    add("tokenizer", request.tokenizer ? request.tokenizer->fingerprint() : std::string());
    const EncodePolicy policy = EncodePolicy::of(recipe, spec);
    add("sample_limit", policy.sample_limit);
    add_optional("max_prompt_tokens", policy.max_prompt_tokens);
    add_optional("max_response_tokens", policy.max_response_tokens);
    add("too_long", static_cast<int>(policy.too_long));
    add("bos", static_cast<int>(policy.bos));
    return hash.hex();
}

Result<SourceCache> ensure_source_cache(const SourceCacheRequest& request) {
    const std::string key = source_cache_key(request);
    const auto path = request.folder / fmt::format("{}.tokens.arrow", key.substr(0, 32));
    auto there = TokenCache::open(path, key);
    std::string rebuilt;
    if (there.ok()) {
        auto report = CacheReport::from_json((*there)->report());
        if (report.ok()) {
            // It may have been built when the recipe allowed more bad rows.
            TRY_VOID(check_bad_rows(request.source, report->rows_in, report->dropped));
            return SourceCache{*there, std::move(*report), true, {}};
        }
        rebuilt = report.error().message;
    } else if (there.error().code != ErrorCode::FileMissing) {
        rebuilt = there.error().message;
    }
    if (!rebuilt.empty()) rebuilt += " It was built anew.";
    TRY(filter, SampleFilter::make(spec_of(request).filter, spec_of(request).name,
                                   token_counter(request.tokenizer)));
    TRY(writer, TokenCacheWriter::create(path, key));
    CacheBuilder builder(request, std::move(filter), std::move(writer));
    TRY(report, builder.build());
    TRY(cache, TokenCache::open(path, key));
    return SourceCache{std::move(cache), std::move(report), false, std::move(rebuilt)};
}

}  // namespace dayrun::core
