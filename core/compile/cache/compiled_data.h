// What compile_data makes of a recipe's sources: a report a source, and the mix, the splits and the
// packed rows of every epoch as a view over their token caches. Neighbours: data_compiler.h fills
// it, batch_stream walks it. Read-only once it is made: any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/packing/packed.h"
#include "core/data/curate/mix.h"
#include "core/data/data_source.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

class TokenCache;

/// The reason under which rows of data[].drop_rows stand in a DropReport.
inline constexpr const char* kLeftOutByNumber = "left out by number";

/// What became of one source, for the drop report, the mix editor and `data compile`.
struct SourceReport {
    std::string name;
    std::string path;
    std::string converter;  // named or detected
    std::string sha256;     // over the source's files
    std::vector<SourceFile> files;
    std::string cache_file;   // its token cache, absolute
    bool from_cache = false;  // nothing had to be read or tokenized
    int64_t rows_in = 0;      // samples the files hold, bad rows included
    DropReport dropped;       // reason -> count and examples, over all steps
    DropReport shortened;     // the same of what was left out of rows that are used
    int64_t train_rows = 0;   // different samples that training may use
    int64_t validation_rows = 0;
    int64_t test_rows = 0;
    int64_t untrained_rows = 0;  // train rows without one trained token: only token_ids keeps such
    std::string untrained_example;  // the first of them
    int64_t truncated_rows = 0;     // of the kept ones: cut by too_long
    int64_t truncated_tokens = 0;
    int64_t truncated_target_tokens = 0;  // of those: trained ones (promises.md row 1)
    int64_t lost_stop_tokens = 0;         // kept rows whose trained stop token was cut away
    int64_t tokens = 0;                   // of the train rows, each once
    int64_t trained_tokens = 0;           // supervised next tokens of the train rows, each once
    int64_t rows_per_epoch = 0;           // with copies, repeats and the mix's share
    int64_t trained_tokens_per_epoch = 0;
    int32_t max_token_id = -1;          // or label, of all rows that the recipe may use
    double effective_epochs = 0;        // times an average train row is seen in recipe.batch.epochs
    double share = 0;                   // of the epoch, by mix.by
    int64_t effective_unique_rows = 0;  // different train rows seen in recipe.batch.epochs
    int64_t missing_rows = 0;           // that the weight asks for beyond mix.max_repeats
};

/// One use of a cached sample.
struct SampleRef {
    uint32_t source_index = 0;  // into Recipe::data
    uint32_t row = 0;           // in that source's token cache
};

/// A row left out by mix.dedupe, and the one that stays for it.
struct DuplicateRow {
    SampleRef row, kept;
    float similarity = 1;  // of their word groups, for near; 1 for exact
};

/// One evaluation set that training rows were compared with.
struct OverlapSet {
    std::string name;        // "validation", "test", or a file's
    std::string path;        // of a file, folder or glob, as the recipe has it; else empty
    int64_t rows = 0;        // of the set
    int64_t exact_rows = 0;  // of them: their input is trained
    int64_t ngram_rows = 0;  // of them: they share overlap.ngram words with a training row
    // Training rows of each source that overlap: by an equal input, and by words alone.
    std::vector<int64_t> exact_by_source, ngram_by_source;
};

/// A training row that overlaps.
struct OverlapHit {
    SampleRef train;
    uint32_t set = 0;            // into OverlapReport::sets
    std::string other;           // the set's row: "gsm8k row 17", "test.jsonl:17"
    SampleRef held_out;          // that row, of validation and test
    int64_t file_row = 0;        // or its number in the set's files, from 0
    bool is_exact = false;       // equal inputs
    int32_t begin = 0, end = 0;  // the shared stretch, in words of the training row
};

/// Training rows against held-out rows and evaluation files.
struct OverlapReport {
    int64_t exact = 0;                  // validation rows whose input is also trained
    std::vector<std::string> examples;  // "gsm8k row 17 = dolly row 3", training row first
    std::vector<OverlapSet> sets;
    std::vector<OverlapHit> hits;   // every training row that overlaps, once a set
    int64_t training_rows() const;  // that overlap with any set
};

/// The rows of one epoch: each names its documents by their place in `samples`.
struct EpochPlan {
    std::vector<SampleRef> samples;           // in the order of this epoch
    std::vector<std::vector<uint32_t>> rows;  // documents of each packed row
};

class CompiledData {
  public:
    std::vector<SourceReport> sources;     // one a DataSpec
    OverlapReport overlap;                 // training against held-out rows and evaluation files
    std::vector<DuplicateRow> duplicates;  // rows that mix.dedupe left out
    std::vector<std::string> warnings;     // sentences for the log and the pre-flight sheet
    // Those of them that say which damaged, cut or outdated cache was built anew.
    std::vector<std::string> rebuilt_caches;
    std::string data_sha256;  // over every chosen row: the manifest's hash

    /// The training sources as the mix sees them, with the copies and weights of `recipe`: what
    /// plan_mix and mix_figures need, so that another ratio is answered without compiling. An entry
    /// a DataSpec; those not trained on have no rows.
    std::vector<MixSource> mix_sources(const Recipe& recipe) const;

    int64_t train_rows() const;  // samples an epoch uses, repeats included
    int64_t validation_rows() const { return static_cast<int64_t>(m_validation.size()); }
    int64_t test_rows() const { return static_cast<int64_t>(m_test.size()); }
    int64_t micro_batch_size() const { return m_micro_batch_size; }
    /// What make_batch counts a row as: max_seq_len when packing, else 0.
    int64_t slot_length() const { return m_packing ? m_max_seq_len : 0; }

    /// Epoch from 0, reshuffled by (seed, epoch) unless mix.shuffle is false. Same every time.
    EpochPlan plan_epoch(int64_t epoch) const;
    /// Packed rows of an epoch, and its micro-batches: ceil(rows / micro_batch_size).
    int64_t rows_in_epoch(int64_t epoch) const;
    int64_t micro_batches_in_epoch(int64_t epoch) const;

    /// The token cache of a source: the very bytes that batches are copied from.
    const TokenCache& cache(size_t source) const { return *m_caches[source]; }
    /// Whether a cache turned out damaged while rows were read: what reads rows of it has answered
    /// FileDamaged. It has been set aside, and compile_data builds it anew with the same rows.
    bool has_damaged_cache() const;
    /// Tokens of a row, without reading them.
    int64_t row_tokens(const EpochPlan& plan, size_t row) const;
    /// Copies a row's tokens out of the caches. This and all that reads rows fails with FileDamaged
    /// where a row is not what was written.
    Result<PackedRow> read_row(const EpochPlan& plan, size_t row) const;
    Result<TokenizedSample> read_sample(SampleRef sample) const;
    /// "gsm8k row 17": the sample's row in its source's files, from 1.
    std::string place_of(SampleRef sample) const;
    /// The words that a training row shares with an evaluation set, as its tokens have them; ""
    /// where only the inputs are equal.
    Result<std::string> shared_text(const OverlapHit& hit, const Tokenizer* tokenizer) const;

    /// Duplicates among the rows that training uses, by the dedupe mode of `recipe`: what another
    /// mix.dedupe would leave out.
    Result<std::vector<DuplicateRow>> find_duplicates(const Recipe& recipe,
                                                      std::stop_token stop) const;

    /// Validation rows as micro-batches, at most `row_limit` samples (0: all), always the
    /// same ones in the same order; loss by source comes from their document spans.
    Result<std::vector<PackedBatch>> validation_batches(int64_t row_limit = 0) const;
    /// The samples that training uses, each once, in the order of the data.
    std::vector<SampleRef> train_samples() const;
    /// The samples behind the held-out ones, for evaluation by generation.
    const std::vector<SampleRef>& validation_samples() const { return m_validation; }
    const std::vector<SampleRef>& test_samples() const { return m_test; }

    /// The manifest: the seed, and per source its files with their hashes, the rows chosen for each
    /// part and a hash over their contents, as JSON; the same recipe on the same files gives the
    /// same bytes.
    std::string manifest_json() const;
    /// Of the ids and labels of all rows in use: another tokenizer or template gives another one
    /// over the same data.
    std::string tokens_sha256() const;

  private:
    friend class DataCompiler;

    Result<std::vector<PackedBatch>> batches_of(const std::vector<SampleRef>& samples,
                                                int64_t row_limit) const;

    std::vector<std::shared_ptr<const TokenCache>> m_caches;  // one a source
    std::vector<std::vector<uint32_t>> m_train;  // per source: cache rows training may use
    std::vector<int64_t> m_per_epoch;            // per source: rows an epoch takes of them
    std::vector<SampleRef> m_validation, m_test;
    uint64_t m_seed = 0;
    bool m_shuffle = true;
    bool m_packing = true;
    int64_t m_max_seq_len = 0;
    int64_t m_micro_batch_size = 1;
};

}  // namespace dayrun::core
