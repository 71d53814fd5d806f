// Open-Platypus: Alpaca's fields and data_source, by which a recipe leaves out rows that a language
// model wrote. The older copy has no data_source and is read as alpaca. Neighbour: converters.cpp.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "instruction") && has_text(row, "output") && has_text(row, "data_source");
}

void convert(const Value& row, const RowContext& context, Converted& out) {
    kAlpaca.convert(row, context, out);
}

}  // namespace

const Converter kOpenPlatypus{
    .name = "open_platypus",
    .title = "Open-Platypus",
    .licence = "by data_source: MIT, CC and some non-commercial",
    .fits = fits,
    .convert = convert,
    .layout = "data/*.parquet with instruction, input, output, data_source",
};

}  // namespace dayrun::core
