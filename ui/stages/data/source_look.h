// A look through one source: how many rows and files, how they are read, what is left out and why,
// and the first samples. For the cards and the import sheet. Plain functions for job threads.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"

namespace dayrun::ui {

/// What a look through a source found.
struct SourceLook {
    int64_t rows = 0;
    bool is_estimate = false;  // the file is long: rows of the part read, scaled by bytes
    int64_t bytes = 0;
    int64_t files = 0;
    int64_t bad_rows = 0;
    std::string first_bad_row;  // "train.jsonl:17: it is not JSON"
    std::string converter;      // "columns" for an edited mapping
    std::string title, licence;
    std::string warning;  // against training on it; "" when nothing speaks against
    core::DropReport dropped;
    std::vector<core::Sample> first_samples;  // up to 3
};

/// Reads for a few seconds at most.
core::Result<SourceLook> lookThrough(const core::DataSpec& spec,
                                     const std::filesystem::path& folder, std::stop_token stop);

/// Whether both read the same files in the same way.
bool isReadAlike(const core::DataSpec& a, const core::DataSpec& b);

}  // namespace dayrun::ui
