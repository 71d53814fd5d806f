// Rows of sources by number, for whoever shows one beside others: the token lens of a packed row,
// pairs of duplicates, hits of overlap. A source is indexed once, by the job that asks for it
// first, and again when its files have changed. Any thread, meant for jobs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/data/source_browser.h"
#include "core/recipe/recipe.h"

namespace dayrun::ui {

struct Prepared;

class SourceRows {
  public:
    SourceRows();
    ~SourceRows();

    /// Row `row` (from 0) of a source; relative paths start from `folder`.
    core::Result<core::BrowsedRow> row(const core::DataSpec& spec,
                                       const std::filesystem::path& folder, int64_t row,
                                       std::stop_token stop);
    /// The sample that a cached row was made of, as the encoder saw it.
    core::Result<core::Sample> sample(const Prepared& prepared, core::SampleRef cached,
                                      std::stop_token stop);
    /// The number (from 0) of the row that stands at a place such as "train.jsonl:17".
    core::Result<int64_t> find(const core::DataSpec& spec, const std::filesystem::path& folder,
                               const std::string& place, std::stop_token stop);

  private:
    struct Entry;
    using Browser = std::shared_ptr<core::SourceBrowser>;

    core::Result<Browser> browser(const core::DataSpec& spec, const std::filesystem::path& folder,
                                  std::stop_token stop);

    std::mutex m_mutex;
    std::vector<std::shared_ptr<Entry>> m_entries;  // the one asked for last at the end
};

}  // namespace dayrun::ui
