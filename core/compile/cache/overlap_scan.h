// Training rows against held-out rows and the recipe's evaluation files. Neighbours:
// core/data/curate/overlap.h finds what one row shares, data_compiler drops and reports. Runs on
// the caller's thread and helpers that it joins.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/compile/cache/token_cache.h"
#include "core/data/curate/overlap.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

class OverlapScan {
  public:
    using Caches = std::vector<std::shared_ptr<const TokenCache>>;
    /// Where a row of an evaluation file stands.
    struct FilePlace {
        std::string text;  // "test.jsonl:17"
        int64_t row = 0;   // in the set's files, from 0, bad rows included
    };

    /// `caches` must outlive the scan.
    OverlapScan(const Recipe& recipe, const Caches& caches, std::stop_token stop);

    /// Reads overlap.files. FileMissing, BadData or FileDamaged names the file that cannot be used;
    /// Cancelled.
    Result<void> read_files();
    /// Held-out rows as the sets "validation" and "test"; replaces those of an earlier call.
    /// FileDamaged when a cache is.
    Result<void> set_held_out(const std::vector<SampleRef>& validation,
                              const std::vector<SampleRef>& test);
    /// Compares the training rows, given per source, with every set. Same answer on any number of
    /// threads; hits in the order of the rows. FileDamaged when a cache is.
    Result<OverlapReport> compare(const std::vector<std::vector<uint32_t>>& train) const;

  private:
    struct Set {
        std::string name;
        std::string path;  // of a file
        std::unique_ptr<OverlapIndex> index;
        std::vector<FilePlace> places;  // of its rows, of a file
        std::vector<SampleRef> rows;    // of held-out ones
    };
    Result<void> read_file(const std::string& path);
    Result<Set> held_out_set(std::string name, const std::vector<SampleRef>& rows) const;
    std::vector<const Set*> sets() const;
    OverlapHit hit(SampleRef train, const Set& set, const SharedWords& shared) const;

    const Recipe& m_recipe;
    const Caches& m_caches;
    std::stop_token m_stop;
    std::vector<Set> m_held_out, m_files;
};

}  // namespace dayrun::core
