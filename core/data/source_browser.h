// Rows of a source by number, for a table of a million rows: an index of offsets is built once, and
// a row is read when it is looked at. Neighbours: readers/, converters/; ui/models draws it. Every
// function may be called from any thread (a lock inside); build() belongs on a job thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/data/data_source.h"
#include "core/data/sample.h"
#include "core/data/value.h"

namespace dayrun::core {

struct BrowsedRow {
    int64_t row_index = 0;        // in the source, from 0
    std::string place;            // "train.jsonl:17"
    Value value;                  // as the file has it
    std::vector<Sample> samples;  // what the converter makes of it, if one is set
    std::string problem;          // a bad row, or a sample-less one: why
};

class SourceBrowser {
  public:
    /// Opens without reading rows; `folder` is where a relative path starts.
    static Result<std::shared_ptr<SourceBrowser>> open(const DataSpec& spec,
                                                       const std::filesystem::path& folder);
    ~SourceBrowser();

    /// Builds the index to the end; `progress` gets (bytes done, bytes). Cancelled leaves what is
    /// there usable. Rows indexed so far can be read while it runs.
    Result<void> build(const std::function<void(int64_t, int64_t)>& progress = {},
                       std::stop_token stop = {});
    /// Rows known so far; exact once is_complete().
    int64_t row_count() const;
    bool is_complete() const;
    /// Names of the first row's fields.
    std::vector<std::string> columns() const;
    std::string converter_name() const;

    /// Rows [begin, begin + count), fewer at the end. Bad rows come with their problem.
    Result<std::vector<BrowsedRow>> rows(int64_t begin, int64_t count) const;

  private:
    struct State;
    explicit SourceBrowser(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

}  // namespace dayrun::core
