// Neighbour: core/data/read_samples.h reads and converts.
#include "ui/stages/data/source_look.h"

#include <cmath>

#include "core/base/clock.h"
#include "core/data/read_samples.h"

namespace dayrun::ui {
namespace {

// Reading goes on this long at most; then the count is scaled up and said to be an estimate.
constexpr double kLookForSeconds = 4;
constexpr size_t kBlock = 1000;
constexpr size_t kFirstSamples = 3;

}  // namespace

core::Result<SourceLook> lookThrough(const core::DataSpec& spec,
                                     const std::filesystem::path& folder, std::stop_token stop) {
    TRY(source, core::open_source(spec, folder, core::Hashing::No));
    SourceLook look;
    look.bytes = source.bytes();
    look.files = static_cast<int64_t>(source.files.size());
    const std::vector<core::SourceFile> files = source.files;
    core::SampleReader reader(std::move(source));
    const core::Stopwatch watch;
    core::SampleBlock block;
    bool has_more = true;
    while (has_more && !stop.stop_requested() && watch.elapsed_s() < kLookForSeconds) {
        block.clear();
        TRY(more, reader.read(kBlock, block));
        has_more = more;
        for (const core::Sample& sample : block) {
            if (look.first_samples.size() < kFirstSamples) look.first_samples.push_back(sample);
        }
    }
    look.rows = reader.rows_in();
    look.bad_rows = reader.bad_rows();
    look.converter = reader.converter_name();
    look.dropped = reader.dropped();
    const auto bad = look.dropped.reasons.find("bad row");
    if (bad != look.dropped.reasons.end() && !bad->second.examples.empty()) {
        look.first_bad_row = bad->second.examples.front();
    }
    if (const core::Converter* converter = reader.converter(); converter != nullptr) {
        look.title = converter->title;
        look.licence = converter->licence;
    }
    look.warning = core::training_warning(reader.converter(), files);
    if (has_more && reader.bytes_read() > 0) {
        look.is_estimate = true;
        look.rows = std::llround(static_cast<double>(look.rows) * static_cast<double>(look.bytes) /
                                 static_cast<double>(reader.bytes_read()));
    }
    return look;
}

bool isReadAlike(const core::DataSpec& a, const core::DataSpec& b) {
    return a.path == b.path && a.converter == b.converter && a.columns == b.columns &&
           a.split == b.split && a.turns == b.turns && a.fields == b.fields;
}

}  // namespace dayrun::ui
