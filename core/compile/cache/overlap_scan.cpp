// Evaluation sets into indexes, training rows through them. Neighbour: overlap_scan.h.
#include "core/compile/cache/overlap_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "core/data/converters/converter.h"
#include "core/data/curate/dedupe.h"
#include "core/data/curate/words.h"
#include "core/data/readers/row_reader.h"
#include "core/device/worker_threads.h"

namespace dayrun::core {
namespace {

/// Rows of one helper's turn; the hits of each turn are joined in order.
constexpr size_t kRowsAtOnce = 4096;

std::string stem_of(const SourceFile& file) {
    const auto name = file.path.filename();
    return (file.compression == Compression::None ? name : name.stem()).stem().string();
}

/// Every text of a row that no converter knows, in file order.
void append_texts(const Value& value, std::vector<uint32_t>& words) {
    if (value.is_string()) {
        for (const Word& word : words_of(value.string())) words.push_back(word.hash);
        words.push_back(kPartEnd);
    }
    for (const Value& item : value.array()) append_texts(item, words);
    for (const Member& member : value.object()) append_texts(member.value, words);
}

/// The rows of one evaluation file, each by its samples or, of an unknown shape, by its texts.
class EvaluationFile {
  public:
    EvaluationFile(const SourceFile& file, OverlapIndex& index,
                   std::vector<OverlapScan::FilePlace>& places)
        : m_file(file), m_index(index), m_places(places) {}

    /// `rows_before` are those of the set's earlier files; returns how many there are with these.
    Result<int64_t> read(int64_t rows_before, const std::stop_token& stop) {
        TRY(rows, open_rows(m_file));
        const std::string stem = stem_of(m_file);
        RawRow row;
        for (int64_t number = 1;; ++number) {
            if (stop.stop_requested()) {
                return Error{.code = ErrorCode::Cancelled, .message = "Reading was stopped."};
            }
            TRY(has_row, rows->next(row));
            const int64_t at = rows_before + number - 1;
            if (!has_row) return at;
            if (!row.problem.empty()) continue;
            add(row, {rows->header(), stem}, {row_place(m_file, row, number), at});
        }
    }

  private:
    void add(const RawRow& row, const RowContext& context, const OverlapScan::FilePlace& place) {
        if (m_converter == nullptr) m_converter = detect_converter(row.value, context);
        Converted converted;
        if (m_converter != nullptr) m_converter->convert(row.value, context, converted);
        for (const Sample& sample : converted.samples) {
            m_index.add(input_hash(sample), compared_words(sample));
            m_places.push_back(place);
        }
        if (!converted.samples.empty()) return;
        // An evaluation row may have no answer: what it asks counts all the same.
        std::vector<uint32_t> words;
        append_texts(row.value, words);
        m_index.add(std::nullopt, words);
        m_places.push_back(place);
    }

    const SourceFile& m_file;
    OverlapIndex& m_index;
    std::vector<OverlapScan::FilePlace>& m_places;
    const Converter* m_converter = nullptr;
};

}  // namespace

OverlapScan::OverlapScan(const Recipe& recipe, const Caches& caches, std::stop_token stop)
    : m_recipe(recipe), m_caches(caches), m_stop(std::move(stop)) {}

Result<void> OverlapScan::read_file(const std::string& path) {
    DataSpec spec;
    spec.name = path;
    spec.path = path;
    TRY(source, open_source(spec, m_recipe.folder, Hashing::No));
    Set set;
    set.name = std::filesystem::path(path).filename().string();
    set.path = path;
    set.index = std::make_unique<OverlapIndex>(m_recipe.overlap.ngram);
    int64_t rows = 0;
    for (const SourceFile& file : source.files) {
        TRY(with_this, EvaluationFile(file, *set.index, set.places).read(rows, m_stop));
        rows = with_this;
    }
    m_files.push_back(std::move(set));
    return {};
}

Result<void> OverlapScan::read_files() {
    for (const std::string& path : m_recipe.overlap.files) TRY_VOID(read_file(path));
    return {};
}

Result<OverlapScan::Set> OverlapScan::held_out_set(std::string name,
                                                   const std::vector<SampleRef>& rows) const {
    Set set;
    set.name = std::move(name);
    set.index = std::make_unique<OverlapIndex>(m_recipe.overlap.ngram);
    set.rows = rows;
    for (const SampleRef& row : rows) {
        const TokenCache& cache = *m_caches[row.source_index];
        TRY(words, cache.words(row.row));
        set.index->add(cache.input_hashes[row.row], words);
    }
    return set;
}

Result<void> OverlapScan::set_held_out(const std::vector<SampleRef>& validation,
                                       const std::vector<SampleRef>& test) {
    m_held_out.clear();
    for (const auto& [name, rows] :
         {std::pair("validation", &validation), std::pair("test", &test)}) {
        if (rows->empty()) continue;
        TRY(set, held_out_set(name, *rows));
        m_held_out.push_back(std::move(set));
    }
    return {};
}

std::vector<const OverlapScan::Set*> OverlapScan::sets() const {
    std::vector<const Set*> all;
    for (const Set& set : m_held_out) all.push_back(&set);
    for (const Set& set : m_files) all.push_back(&set);
    return all;
}

OverlapHit OverlapScan::hit(SampleRef train, const Set& set, const SharedWords& shared) const {
    OverlapHit found;
    found.train = train;
    found.is_exact = shared.is_exact;
    found.begin = shared.begin;
    found.end = shared.end;
    if (!set.places.empty()) {
        found.other = set.places[shared.row].text;
        found.file_row = set.places[shared.row].row;
        return found;
    }
    found.held_out = set.rows[shared.row];
    const auto& [source, row] = found.held_out;
    found.other = fmt::format("{} row {}", m_recipe.data[source].name,
                              m_caches[source]->row_indices[row] + 1);
    return found;
}

Result<OverlapReport> OverlapScan::compare(const std::vector<std::vector<uint32_t>>& train) const {
    const std::vector<const Set*> all = sets();
    // What an earlier comparison met does not count in this one.
    for (const Set* set : all) set->index->seal();
    std::vector<SampleRef> rows;
    for (uint32_t source = 0; source < train.size(); ++source) {
        for (const uint32_t row : train[source]) rows.push_back({source, row});
    }
    std::vector<std::vector<OverlapHit>> turns((rows.size() + kRowsAtOnce - 1) / kRowsAtOnce);
    std::vector<Result<void>> outcomes(turns.size());
    const auto scan_turn = [&](size_t turn) -> Result<void> {
        const size_t end = std::min(rows.size(), (turn + 1) * kRowsAtOnce);
        for (size_t i = turn * kRowsAtOnce; i < end; ++i) {
            const TokenCache& cache = *m_caches[rows[i].source_index];
            TRY(words, cache.words(rows[i].row));
            for (uint32_t set = 0; set < all.size(); ++set) {
                const auto shared = all[set]->index->find(cache.input_hashes[rows[i].row], words);
                if (!shared) continue;
                turns[turn].push_back(hit(rows[i], *all[set], *shared));
                turns[turn].back().set = set;
            }
        }
        return {};
    };
    const size_t workers = static_cast<size_t>(worker_threads());
    const auto work = [&](size_t worker) {
        for (size_t turn = worker; turn < turns.size(); turn += workers) {
            outcomes[turn] = scan_turn(turn);
        }
    };
    if (!all.empty()) {
        std::vector<std::jthread> helpers;
        for (size_t worker = 1; worker < workers; ++worker) helpers.emplace_back(work, worker);
        work(0);
    }
    for (const Result<void>& outcome : outcomes) TRY_VOID(outcome);
    OverlapReport report;
    for (const Set* set : all) {
        report.sets.push_back({.name = set->name,
                               .path = set->path,
                               .rows = set->index->row_count(),
                               .exact_rows = set->index->exact_rows(),
                               .ngram_rows = set->index->ngram_rows(),
                               .exact_by_source = std::vector<int64_t>(train.size()),
                               .ngram_by_source = std::vector<int64_t>(train.size())});
    }
    for (std::vector<OverlapHit>& turn : turns) {
        for (OverlapHit& hit : turn) {
            OverlapSet& set = report.sets[hit.set];
            ++(hit.is_exact ? set.exact_by_source : set.ngram_by_source)[hit.train.source_index];
            report.hits.push_back(std::move(hit));
        }
    }
    return report;
}

}  // namespace dayrun::core
