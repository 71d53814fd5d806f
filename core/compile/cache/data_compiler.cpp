// From a recipe to CompiledData: each source's cache, the rows that are used of it, and the mix.
// Neighbours: source_cache.cpp, row_choice.cpp, core/data/curate/mix.cpp. One thread.
#include "core/compile/cache/data_compiler.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/units.h"
#include "core/compile/cache/damaged_caches.h"
#include "core/compile/cache/row_choice.h"
#include "core/compile/cache/source_cache.h"
#include "core/compile/cache/token_cache.h"
#include "core/data/converters/converter.h"
#include "core/data/curate/mix.h"
#include "core/data/data_source.h"

namespace dayrun::core {

/// The steps behind compile_data, in their order; one object a call.
class DataCompiler {
  public:
    DataCompiler(const Recipe& recipe, const Tokenizer* tokenizer,
                 const std::filesystem::path& folder, const CompileListener& listener,
                 std::stop_token stop, CacheCheck check, std::vector<std::string> rebuilt)
        : m_recipe(recipe),
          m_tokenizer(tokenizer),
          m_folder(folder),
          m_listener(listener),
          m_stop(std::move(stop)),
          m_check(check),
          m_data(std::make_shared<CompiledData>()) {
        m_data->rebuilt_caches = std::move(rebuilt);
    }

    Result<std::shared_ptr<const CompiledData>> compile() {
        TRY_VOID(check_settings());
        TRY_VOID(make_caches());
        if (m_check == CacheCheck::EveryRow) TRY_VOID(check_caches());
        TRY_VOID(choose_rows());
        TRY_VOID(mix());
        finish();
        return std::shared_ptr<const CompiledData>(m_data);
    }
    const CompiledData& data() const { return *m_data; }

  private:
    Result<void> check_settings() const {
        if (m_recipe.data.empty()) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = "The recipe has no data source.",
                         .hint = "Add one under `data:` with a path."};
        }
        if (m_recipe.sample_limit() > m_recipe.tokens.max_seq_len) {
            return Error{
                .code = ErrorCode::BadRecipe,
                .message = fmt::format("tokens.sample_limit is {}, more than a row's {} "
                                       "tokens (tokens.max_seq_len).",
                                       m_recipe.sample_limit(), m_recipe.tokens.max_seq_len),
                .hint = "Lower sample_limit or raise max_seq_len."};
        }
        for (size_t i = 0; i < m_recipe.data.size(); ++i) {
            for (size_t j = 0; j < i; ++j) {
                if (m_recipe.data[i].name != m_recipe.data[j].name) continue;
                return Error{.code = ErrorCode::BadRecipe,
                             .message = fmt::format("Two data sources are called '{}'.",
                                                    m_recipe.data[i].name),
                             .hint = "Give every source a name of its own."};
            }
        }
        return {};
    }

    void report_progress(const std::string& source, std::string step, int64_t done, int64_t total) {
        if (m_listener) m_listener({source, std::move(step), done, total});
    }

    Result<void> make_caches() {
        TRY(chat_template, ChatTemplate::make(m_recipe, m_tokenizer));
        for (std::string& note : chat_template.notes()) m_data->warnings.push_back(std::move(note));
        std::vector<size_t> missing;
        for (size_t i = 0; i < m_recipe.data.size(); ++i) {
            const DataSpec& spec = m_recipe.data[i];
            report_progress(spec.name, "reading", 0, 0);
            auto opened = open_source(spec, m_recipe.data_folder(), Hashing::Yes);
            if (!opened.ok() && opened.error().code == ErrorCode::FileMissing) {
                missing.push_back(i);
                TRY_VOID(add_missing(spec));
                continue;
            }
            TRY(source, std::move(opened));
            source.source_index = static_cast<uint32_t>(i);
            const int64_t total = source.bytes();
            const SourceCacheRequest request{
                .recipe = m_recipe,
                .source = source,
                .chat_template = chat_template,
                .tokenizer = m_tokenizer,
                .folder = m_folder,
                .progress =
                    [&](int64_t done) { report_progress(spec.name, "tokenizing", done, total); },
                .stop = m_stop};
            TRY(made, ensure_source_cache(request));
            if (made.was_there) report_progress(spec.name, "from cache", total, total);
            add_source(spec, source, std::move(made));
        }
        return check_missing(missing);
    }

    /// All are looked at, so that all damaged ones are set aside.
    Result<void> check_caches() const {
        Result<void> outcome;
        for (size_t i = 0; i < m_data->sources.size(); ++i) {
            if (!m_data->sources[i].from_cache) continue;
            auto checked = cache(i).check();
            if (!checked.ok()) outcome = std::move(checked);
        }
        return outcome;
    }

    /// A source whose files are not there has no rows, and everything else works as ever.
    Result<void> add_missing(const DataSpec& spec) {
        const auto path = m_folder / "missing.tokens.arrow";
        TRY(writer, TokenCacheWriter::create(path, "missing"));
        TRY_VOID(writer.finish(CacheReport{}.to_json()));
        TRY(cache, TokenCache::open(path, "missing"));
        add_source(spec, DataSource{}, SourceCache{std::move(cache), {}, false, {}});
        m_data->sources.back().converter = spec.converter;
        return {};
    }

    static std::string missing_text(const DataSpec& spec) {
        std::string text = fmt::format("'{}' is not there: {}", spec.name, spec.path);
        if (!spec.hub.empty()) text += fmt::format("; published as {}", spec.hub);
        const Converter* const converter = find_converter(spec.converter);
        if (converter != nullptr && !converter->layout.empty()) {
            text += fmt::format("; expected: {}", converter->layout);
        }
        return text + ".";
    }

    Result<void> check_missing(const std::vector<size_t>& missing) {
        if (missing.empty()) return {};
        const bool stops = m_recipe.sources.missing == MissingSource::Stop;
        std::string all;
        for (const size_t i : missing) {
            const std::string one = missing_text(m_recipe.data[i]);
            if (!stops) m_data->warnings.push_back("Left out: " + one);
            all += "\n  " + one;
        }
        if (!stops) return {};
        return Error{
            .code = ErrorCode::FileMissing,
            .message = fmt::format("{} of {} data sources are missing under {}:{}", missing.size(),
                                   m_recipe.data.size(), m_recipe.data_folder().string(), all),
            .hint =
                "\nPut them there or set sources.folder; to go on without them set "
                "sources.missing: leave_out."};
    }

    void add_source(const DataSpec& spec, const DataSource& source, SourceCache made) {
        SourceReport report;
        report.name = spec.name;
        report.path = spec.path;
        report.converter = made.report.converter;
        report.sha256 = source.sha256;
        report.files = source.files;
        report.cache_file = made.cache->path().string();
        report.from_cache = made.was_there;
        report.rows_in = made.report.rows_in;
        report.dropped = made.report.dropped;
        report.shortened = made.report.shortened;
        report.max_token_id = static_cast<int32_t>(made.report.max_token_id);
        if (!made.report.warning.empty()) {
            m_data->warnings.push_back(fmt::format("'{}': {}", spec.name, made.report.warning));
        }
        if (!made.rebuilt.empty()) {
            m_data->rebuilt_caches.push_back(fmt::format("'{}': {}", spec.name, made.rebuilt));
        }
        m_data->sources.push_back(std::move(report));
        m_data->m_caches.push_back(std::move(made.cache));
    }

    const TokenCache& cache(size_t source) const { return *m_data->m_caches[source]; }
    bool is_trained(size_t source) const { return core::is_trained(m_recipe.data[source].use); }

    Result<void> choose_rows() {
        const auto on_step = [&](const char* step) { report_progress("all", step, 0, 0); };
        RowChoice choice(m_recipe, m_data->m_caches, *m_data, on_step, m_stop);
        TRY(chosen, choice.choose());
        m_data->m_train = std::move(chosen.train);
        m_data->m_validation = std::move(chosen.validation);
        m_data->m_test = std::move(chosen.test);
        return {};
    }

    Result<void> mix() {
        for (size_t i = 0; i < m_data->sources.size(); ++i) count_tokens(i);
        const std::vector<MixSource> mixed = trained_sources();
        TRY(plan, plan_mix(mixed, m_recipe.mix));
        const auto figures = mix_figures(mixed, plan, m_recipe.mix, m_recipe.batch.epochs);
        m_data->m_per_epoch.assign(m_data->sources.size(), 0);
        for (size_t i = 0, k = 0; i < m_data->sources.size(); ++i) {
            if (is_trained(i)) add_figures(i, figures[k++]);
        }
        for (std::string& warning : plan.warnings) m_data->warnings.push_back(std::move(warning));
        if (m_data->train_rows() > 0) return {};
        std::string why;
        for (const SourceReport& report : m_data->sources) {
            for (const auto& [reason, entry] : report.dropped.reasons) {
                why += fmt::format(" {}: {} {}.", report.name, format_count(entry.count), reason);
            }
        }
        return Error{.code = ErrorCode::BadData,
                     .message = "No row is left to train on." + why,
                     .hint = "Loosen the filters, raise tokens.max_seq_len or lower split."};
    }

    std::vector<MixSource> trained_sources() const {
        std::vector<MixSource> trained;
        std::vector<MixSource> all = m_data->mix_sources(m_recipe);
        for (size_t i = 0; i < all.size(); ++i) {
            if (is_trained(i)) trained.push_back(std::move(all[i]));
        }
        return trained;
    }

    void add_figures(size_t i, const MixFigures& figures) {
        SourceReport& report = m_data->sources[i];
        m_data->m_per_epoch[i] = figures.rows_per_epoch;
        report.rows_per_epoch = figures.rows_per_epoch;
        report.trained_tokens_per_epoch = figures.trained_tokens_per_epoch;
        report.share = figures.share;
        report.effective_epochs = figures.effective_epochs;
        report.effective_unique_rows = figures.effective_unique_rows;
        report.missing_rows = figures.missing_rows;
    }

    /// Sums over a source's train rows, and what was cut of all rows in use.
    void count_tokens(size_t i) {
        SourceReport& report = m_data->sources[i];
        const auto count_cut = [&](uint32_t row) {
            report.truncated_rows += cache(i).truncated_counts[row] > 0 ? 1 : 0;
            report.truncated_tokens += cache(i).truncated_counts[row];
            report.truncated_target_tokens += cache(i).truncated_target_counts[row];
            report.lost_stop_tokens += cache(i).lost_stop[row];
        };
        report.train_rows = static_cast<int64_t>(m_data->m_train[i].size());
        for (const uint32_t row : m_data->m_train[i]) {
            report.tokens += cache(i).token_counts[row];
            report.trained_tokens += cache(i).target_counts[row];
            if (cache(i).target_counts[row] == 0 && report.untrained_rows++ == 0) {
                report.untrained_example = fmt::format("row {}", cache(i).row_indices[row] + 1);
            }
            count_cut(row);
        }
        for (const SampleRef& sample : m_data->m_validation) {
            if (sample.source_index != i) continue;
            ++report.validation_rows;
            count_cut(sample.row);
        }
        for (const SampleRef& sample : m_data->m_test) {
            if (sample.source_index != i) continue;
            ++report.test_rows;
            count_cut(sample.row);
        }
    }

    void warn_about_cuts(const SourceReport& report) {
        if (report.lost_stop_tokens > 0) {
            m_data->warnings.push_back(fmt::format("'{}': {} lost the stop token to the cut-off.",
                                                   report.name,
                                                   count_of(report.lost_stop_tokens, "row")));
        }
        const int64_t all = report.trained_tokens + report.truncated_target_tokens;
        if (report.truncated_target_tokens * 100 > all) {
            m_data->warnings.push_back(fmt::format(
                "'{}': {} of {} cut off, more than 1 %.", report.name,
                format_count(report.truncated_target_tokens), count_of(all, "trained token")));
        }
    }

    void finish() {
        m_data->m_seed = m_recipe.seed;
        m_data->m_shuffle = m_recipe.mix.shuffle;
        m_data->m_packing = m_recipe.tokens.packing;
        m_data->m_max_seq_len = m_recipe.tokens.max_seq_len;
        m_data->m_micro_batch_size = std::max<int64_t>(m_recipe.batch.micro_batch_size, 1);
        for (const SourceReport& report : m_data->sources) {
            if (report.train_rows > 0) warn_about_cuts(report);
        }
        for (const std::string& cache : m_data->rebuilt_caches) m_data->warnings.push_back(cache);
        const bool has_text =
            std::any_of(m_data->sources.begin(), m_data->sources.end(),
                        [](const SourceReport& report) { return report.converter != "token_ids"; });
        if (has_text && m_tokenizer != nullptr && !m_tokenizer->eos_id()) {
            m_data->warnings.push_back(
                "The tokenizer has no EOS: no reply ends with a trained stop token.");
        }
        m_data->data_sha256 = sha256_hex(m_data->manifest_json());
    }

    const Recipe& m_recipe;
    const Tokenizer* m_tokenizer;
    const std::filesystem::path& m_folder;
    const CompileListener& m_listener;
    std::stop_token m_stop;
    CacheCheck m_check;
    std::shared_ptr<CompiledData> m_data;
};

Result<std::shared_ptr<const CompiledData>> compile_data(const Recipe& recipe,
                                                         const Tokenizer* tokenizer,
                                                         const std::filesystem::path& cache_folder,
                                                         const CompileListener& listener,
                                                         std::stop_token stop, CacheCheck check) {
    std::vector<std::string> rebuilt;
    return over_damaged_caches(recipe.data.size(), [&](bool& is_damaged) {
        DataCompiler compiler(recipe, tokenizer, cache_folder, listener, stop, check,
                              std::move(rebuilt));
        auto compiled = compiler.compile();
        is_damaged = compiler.data().has_damaged_cache();
        rebuilt = compiler.data().rebuilt_caches;
        return compiled;
    });
}

}  // namespace dayrun::core
