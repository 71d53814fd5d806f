// GSM8K: question, and an answer with reasoning that ends in "#### 72". Kept as published; the
// calculator marks <<48/2=24>> are part of it. Neighbour: converters.cpp. Any thread.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "question") && has_text(row, "answer") &&
           text_of(row, "answer").find("####") != std::string::npos;
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"question"}, out)) return;
    add_instruction(row, {}, MemberText(row, "question"), MemberText(row, "answer"), {}, out);
}

}  // namespace

const Converter kGsm8k{
    .name = "gsm8k",
    .title = "GSM8K",
    .licence = "MIT",
    .warning = "The test part is an evaluation set: do not train on it.",
    .fits = fits,
    .convert = convert,
    .layout = "main/train-*.parquet or train.jsonl with question, answer",
    .warned_parts = "test",
};

}  // namespace dayrun::core
