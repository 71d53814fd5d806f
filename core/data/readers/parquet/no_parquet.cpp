// In place of parquet_reader.cpp in a program without Arrow: Parquet files are refused.
#include <fmt/format.h>

#include "core/data/readers/row_reader.h"

namespace dayrun::core {

bool has_parquet_reader() {
    return false;
}

Result<std::unique_ptr<RowReader>> open_parquet_rows(const SourceFile& file) {
    return Error{.code = ErrorCode::BadData,
                 .message = fmt::format("{} is a Parquet file, and this build of Dayrun reads no "
                                        "Parquet.",
                                        file.path.string()),
                 .hint = "Convert it to JSONL, or use the full build."};
}

}  // namespace dayrun::core
