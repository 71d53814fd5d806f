// Reddit TL;DR of summarize-from-feedback: subreddit, title, post and summary, asked in the form of
// its published prompt. The hub copy with prompt and label is prompt_completion. Neighbour:
// converters.cpp. Any thread.
#include <fmt/format.h>

#include "core/data/converters/converters.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "post") && has_text(row, "summary") && has_text(row, "subreddit");
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"post", "title", "subreddit"}, out)) return;
    const std::string input =
        fmt::format("SUBREDDIT: r/{}\n\nTITLE: {}\n\nPOST: {}\n\nTL;DR:", text_of(row, "subreddit"),
                    text_of(row, "title"), text_of(row, "post"));
    // The published summaries start with a space, which the template's own layout replaces.
    add_instruction(row, {}, input, trim(MemberText(row, "summary")), {}, out);
}

}  // namespace

const Converter kTldr{
    .name = "tldr",
    .title = "Reddit TL;DR",
    .licence = "CC BY 4.0 on its card",
    .fits = fits,
    .convert = convert,
    .layout = "train.jsonl, valid.jsonl, test.jsonl with subreddit, title, post, summary",
};

}  // namespace dayrun::core
