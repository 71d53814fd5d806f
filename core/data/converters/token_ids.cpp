// Finished ids: {"input_ids": [...], "labels": [...]}, labels optional and unshifted, -100 = not
// trained; a mask of 0 and 1 beside them takes further tokens out of the loss. No template,
// tokenizer or special token touches them. Neighbour: converters.cpp.
#include <fmt/format.h>

#include <array>
#include <limits>

#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

constexpr int32_t kIgnoredToken = -100;

bool fits(const Value& row, const RowContext&) {
    const Value* const ids = row.find("input_ids");
    return ids != nullptr && ids->is_array();
}

/// The list as 32-bit integers, or a problem.
bool read_integers(const Value& list, std::string_view name, int64_t least,
                   std::vector<int32_t>& values, Converted& out) {
    values.reserve(list.array().size());
    for (const Value& item : list.array()) {
        const int64_t value = item.integer();
        const bool is_ignored = least < 0 && value == kIgnoredToken;
        if (!item.is_integer() || (value < 0 && !is_ignored) ||
            value > std::numeric_limits<int32_t>::max()) {
            out.problem = fmt::format("`{}` holds {}, which is no token id", name, item.text());
            return false;
        }
        values.push_back(static_cast<int32_t>(value));
    }
    return true;
}

/// Masks that trainers keep beside the ids: 0 or false = not trained.
constexpr std::array<std::string_view, 3> kMasks{"loss_mask", "completion_mask", "assistant_masks"};

/// Takes what a mask leaves out of the sample's labels, or says what is wrong with the mask.
void apply_mask(const Value& mask, std::string_view name, Sample& sample, Converted& out) {
    if (mask.array().size() != sample.token_ids.size()) {
        out.problem = fmt::format("it has {} input_ids but {} entries in `{}`",
                                  sample.token_ids.size(), mask.array().size(), name);
        return;
    }
    if (sample.token_labels.empty()) sample.token_labels = sample.token_ids;
    for (size_t i = 0; i < mask.array().size(); ++i) {
        const Value& item = mask.array()[i];
        const bool is_mark = item.is_bool() || item.is_number();
        const double value = item.is_bool() ? static_cast<double>(item.boolean()) : item.number();
        if (!is_mark || (value != 0.0 && value != 1.0)) {
            out.problem = fmt::format("`{}` holds {}, which is neither 0 nor 1", name, item.text());
            return;
        }
        if (value == 0.0) sample.token_labels[i] = kIgnoredToken;
    }
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"input_ids"}, out)) return;
    const Value& ids = *row.find("input_ids");
    if (ids.array().empty()) {
        out.drop_reasons.emplace_back("no token ids");
        return;
    }
    const Value* labels = row.find("labels");
    if (labels != nullptr && labels->is_null()) labels = nullptr;
    Sample& sample = out.samples.add();
    bool is_good = read_integers(ids, "input_ids", 0, sample.token_ids, out);
    if (labels != nullptr) {
        is_good = is_good && read_integers(*labels, "labels", -100, sample.token_labels, out);
        if (is_good && sample.token_labels.size() != sample.token_ids.size()) {
            out.problem = fmt::format("it has {} input_ids but {} labels", sample.token_ids.size(),
                                      sample.token_labels.size());
        }
    }
    for (const std::string_view name : kMasks) {
        const Value* const mask = row.find(name);
        if (mask != nullptr && !mask->is_null() && out.problem.empty()) {
            apply_mask(*mask, name, sample, out);
        }
    }
    if (!out.problem.empty()) out.samples.clear();
}

}  // namespace

const Converter kTokenIds{
    .name = "token_ids",
    .title = "Token ids",
    .fits = fits,
    .convert = convert,
};

}  // namespace dayrun::core
