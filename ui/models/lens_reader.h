// What the token lens shows, and where it was read: from the very token cache that the trainer
// reads, or encoded now where no cache holds the sample. Also the search over cached samples.
// Plain functions: any thread, meant for jobs.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/cache/token_cache.h"
#include "core/compile/token_lens.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"
#include "ui/project/prepared_data.h"

namespace dayrun::ui {

class SourceRows;

/// One document of what is shown.
struct LensDocument {
    std::string title;  // "dolly, row 17"
    int64_t tokens = 0;
    int64_t trained_tokens = 0;
    int64_t truncated_tokens = 0;
    bool lost_stop_token = false;
};

struct LensPage {
    core::LensView view;
    std::vector<LensDocument> documents;
    bool is_cut_at_start = false;  // where something was cut: before what is shown, not behind
    bool is_from_cache = false;
    std::string cache_file;  // when it is
};

/// A sample of the browser. `prepared` may be null or of another recipe: then it is encoded now.
core::Result<LensPage> readLens(const core::Recipe& recipe, const core::Sample& sample,
                                const std::shared_ptr<const Prepared>& prepared);
/// A cached sample, or the documents of a packed row, from the caches alone. FileDamaged when a
/// cache is; then PreparedData soon has an answer from one that was built anew.
core::Result<LensPage> readCachedLens(const Prepared& prepared,
                                      const std::vector<core::SampleRef>& documents);

/// Names the template's parts in a page of cached documents, where the cache alone knows trained
/// and masked: each sample is read from its source and encoded again. What does not give the very
/// tokens of the cache keeps its plain names.
void nameParts(const Prepared& prepared, const std::vector<core::SampleRef>& documents,
               SourceRows& rows, std::stop_token stop, LensPage& page);

/// What the search asks of a cached sample.
enum class LensSearch {
    All,
    StopNotTrained,  // its last token is masked, or its stop token was cut away
    CutOff,
    LeftOut,     // too long, or filtered by tokens
    FewTrained,  // fewer than 4 trained tokens
    NotOneBos,   // a BOS missing or doubled, for a tokenizer that adds one
    kCount
};

/// Samples of all sources (or of one) that fit, in the order of the files. Fails as readCachedLens.
core::Result<std::vector<core::SampleRef>> searchSamples(const Prepared& prepared,
                                                         LensSearch search,
                                                         int source /* -1: all */,
                                                         std::stop_token stop);

/// Why a cached row is left out, in words; "" for a kept one.
std::string leftOutText(core::RowStatus status);

}  // namespace dayrun::ui
