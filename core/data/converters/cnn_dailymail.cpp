// CNN/DailyMail: article and highlights. The instruction is in Dayrun's own words. Neighbour:
// converters.cpp. Any thread.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

constexpr std::string_view kInstruction = "Summarize the article in about three sentences.";

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "article") && has_text(row, "highlights");
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"article"}, out)) return;
    add_instruction(row, kInstruction, MemberText(row, "article"), MemberText(row, "highlights"),
                    {}, out);
}

}  // namespace

const Converter kCnnDailyMail{
    .name = "cnn_dailymail",
    .title = "CNN/DailyMail",
    .licence = "Apache-2.0 on its card",
    .fits = fits,
    .convert = convert,
    .layout = "3.0.0/train-*.parquet with article, highlights",
};

}  // namespace dayrun::core
