// Which cached rows a recipe uses, and for what: filters, rows named by number, duplicates, the
// split, overlap and `take`, in that order; every row left out is counted with its reason. A view
// over the caches' columns: no text is read again but for near duplicates and overlap. Neighbours:
// data_compiler.cpp calls it, core/data/curate has the single rules. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/compile/cache/overlap_scan.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

/// Whether training may use rows of such a source.
inline bool is_trained(SourceUse use) {
    return use == SourceUse::BySplit || use == SourceUse::Train;
}

struct ChosenRows {
    std::vector<std::vector<uint32_t>> train;  // per source: rows of its cache, in file order
    std::vector<SampleRef> validation, test;
};

class RowChoice {
  public:
    using Caches = OverlapScan::Caches;
    /// `data` has its sources already; their drops, the duplicates, the overlap and warnings are
    /// written to it. `on_step` is told of steps that take long. All outlive the object.
    RowChoice(const Recipe& recipe, const Caches& caches, CompiledData& data,
              std::function<void(const char* step)> on_step, std::stop_token stop);

    /// FileMissing, BadData or FileDamaged names an evaluation file that cannot be used, or a
    /// damaged cache; Cancelled.
    Result<ChosenRows> choose();

  private:
    const TokenCache& cache(size_t source) const { return *m_caches[source]; }
    SourceUse use_of(size_t source) const { return m_recipe.data[source].use; }
    std::string place(size_t source, uint32_t row) const;
    void drop(size_t source, const std::string& reason, const std::string& example,
              DropCause cause = DropCause::Recipe);

    void drop_filtered();
    void drop_named();
    Result<void> drop_duplicates();
    void drop_unusable();
    void split();
    void take_held_out();
    Result<void> drop_overlapping();
    void take_train();
    Result<void> report_overlap();
    std::vector<uint32_t> taken(size_t source, const std::vector<uint32_t>& rows);

    const Recipe& m_recipe;
    const Caches& m_caches;
    CompiledData& m_data;
    std::function<void(const char*)> m_on_step;
    std::stop_token m_stop;
    OverlapScan m_overlap;
    std::vector<std::vector<uint32_t>> m_rows;  // per source: those still in use
    ChosenRows m_chosen;
};

}  // namespace dayrun::core
