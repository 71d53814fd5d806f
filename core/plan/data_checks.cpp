// One function a check; each says its figures whatever its colour. Neighbour: preflight.cpp.
#include "core/plan/data_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/units.h"
#include "core/plan/vocabulary_check.h"

namespace dayrun::core {

namespace {

constexpr size_t kSamplesRead = 20'000;
constexpr size_t kOffendersShown = 10;

PreflightCheck named(std::string name) {
    PreflightCheck check;
    check.name = std::move(name);
    return check;
}

struct Totals {
    int64_t train_rows = 0;
    int64_t validation_rows = 0;
    int64_t trained_tokens = 0;
    int64_t truncated_rows = 0;
    int64_t lost_trained_tokens = 0;
    int64_t lost_stop_tokens = 0;
};

Totals totals_of(const CompiledData& data) {
    Totals totals;
    for (const SourceReport& source : data.sources) {
        totals.train_rows += source.train_rows;
        totals.validation_rows += source.validation_rows;
        totals.trained_tokens += source.trained_tokens;
        totals.truncated_rows += source.truncated_rows;
        totals.lost_trained_tokens += source.truncated_target_tokens;
        totals.lost_stop_tokens += source.lost_stop_tokens;
    }
    return totals;
}

std::string_view is_or_are(int64_t count) {
    return count == 1 ? "is" : "are";
}

PreflightCheck check_rows(const CompiledData& data, const Totals& totals) {
    PreflightCheck check = named("training rows");
    check.message = fmt::format("{} with {}.", count_of(totals.train_rows, "training row"),
                                count_of(totals.trained_tokens, "trained token"));
    if (totals.trained_tokens == 0) {
        check.level = CheckLevel::Red;
        check.count = totals.train_rows;
        check.message = "No token would be trained: " + check.message;
        check.hint = "Look at the reasons why rows were left out.";
        return check;
    }
    for (const SourceReport& source : data.sources) {
        if (source.untrained_rows == 0) continue;
        check.count += source.untrained_rows;
        check.offenders.push_back(fmt::format("{}: {} without a trained token ({})", source.name,
                                              count_of(source.untrained_rows, "row"),
                                              source.untrained_example));
    }
    if (check.count > 0) {
        check.level = CheckLevel::Amber;
        check.message += fmt::format(" {} of the rows {} nothing.", format_count(check.count),
                                     check.count == 1 ? "trains" : "train");
        check.hint =
            "Their labels are all -100, or only the first one is not. They stay, so that "
            "the file's order does.";
    }
    return check;
}

PreflightCheck check_stop_token(const CompiledData& data, const Totals& totals) {
    PreflightCheck check = named("stop token trained");
    check.count = totals.lost_stop_tokens;
    const double share =
        totals.train_rows > 0
            ? 100.0 * (1.0 - static_cast<double>(totals.lost_stop_tokens) /
                                 static_cast<double>(totals.train_rows + totals.validation_rows))
            : 100.0;
    check.message = fmt::format("The stop token is trained in {:.4g} % of the samples.", share);
    if (check.count == 0) return check;
    check.level = CheckLevel::Red;
    check.hint =
        "Raise tokens.sample_limit, or set tokens.too_long to drop: a model that never "
        "sees the end of a reply does not stop.";
    for (const SourceReport& source : data.sources) {
        if (source.lost_stop_tokens == 0) continue;
        check.offenders.push_back(fmt::format("{}: {} cut before the stop token", source.name,
                                              count_of(source.lost_stop_tokens, "sample")));
    }
    return check;
}

PreflightCheck check_lost_tokens(const Recipe& recipe, const CompiledData& data,
                                 const Totals& totals) {
    PreflightCheck check = named("lost tokens");
    check.count = totals.lost_trained_tokens;
    const int64_t all = totals.trained_tokens + totals.lost_trained_tokens;
    const double share =
        all > 0 ? static_cast<double>(totals.lost_trained_tokens) / static_cast<double>(all) : 0;
    check.message = fmt::format(
        "{} {} cut; {} ({:.2g} %) {} lost.", count_of(totals.truncated_rows, "sample"),
        is_or_are(totals.truncated_rows), count_of(totals.lost_trained_tokens, "trained token"),
        100 * share, is_or_are(totals.lost_trained_tokens));
    if (share > recipe.tokens.max_lost) {
        check.level = CheckLevel::Red;
        check.hint = fmt::format(
            "Raise tokens.sample_limit, or accept the loss with tokens.max_lost: {:.2g}.",
            std::ceil(100 * share) / 100);
    }
    for (const SourceReport& source : data.sources) {
        if (source.truncated_target_tokens == 0) continue;
        check.offenders.push_back(
            fmt::format("{}: {}, {}", source.name, count_of(source.truncated_rows, "sample"),
                        count_of(source.truncated_target_tokens, "trained token")));
    }
    return check;
}

PreflightCheck check_dropped(const CompiledData& data) {
    PreflightCheck check = named("rows left out");
    int64_t rows = 0, asked = 0;
    for (const SourceReport& source : data.sources) {
        rows += source.rows_in;
        for (const auto& [reason, dropped] : source.dropped.reasons) {
            check.count += dropped.count;
            if (dropped.cause == DropCause::Recipe) asked += dropped.count;
            std::string line =
                fmt::format("{}: {}: {}", source.name, count_of(dropped.count, "row"), reason);
            if (!dropped.examples.empty()) line += " (" + dropped.examples.front() + ")";
            check.offenders.push_back(std::move(line));
        }
    }
    check.message = fmt::format("{} of {} {} left out", format_count(check.count),
                                count_of(rows, "row"), is_or_are(check.count));
    check.message +=
        asked == 0 ? "." : fmt::format(", {} as the recipe asks.", format_count(asked));
    // What the recipe asks for is no surprise.
    if (check.count > asked) {
        check.level = CheckLevel::Amber;
        check.hint = "Each reason is listed with its count.";
    }
    return check;
}

PreflightCheck check_overlap(const Recipe& recipe, const CompiledData& data) {
    PreflightCheck check = named("train/validation overlap");
    check.count = data.overlap.training_rows();
    check.message = fmt::format(
        "{} also {} among the training rows; {} {} an input or {} with a held-out or evaluation "
        "row.",
        count_of(data.overlap.exact, "validation row"),
        data.overlap.exact == 1 ? "stands" : "stand", count_of(check.count, "training row"),
        check.count == 1 ? "shares" : "share", count_of(recipe.overlap.ngram, "word"));
    for (const OverlapHit& hit : data.overlap.hits) {
        if (check.offenders.size() == kOffendersShown) break;
        check.offenders.push_back(fmt::format("{} {} {} ({})", data.place_of(hit.train),
                                              hit.is_exact ? "=" : "~", hit.other,
                                              data.overlap.sets[hit.set].name));
    }
    if (check.count > 0) {
        check.level = CheckLevel::Amber;
        check.hint = "Set overlap.remove to exact or all: such training rows are then left out.";
    }
    return check;
}

// What breaks a sample's BOS; empty when it is right.
std::string bos_fault(const TokenizedSample& sample, int32_t bos, bool is_wanted) {
    const auto count = std::count(sample.tokens.begin(), sample.tokens.end(), bos);
    const bool is_first = !sample.tokens.empty() && sample.tokens.front() == bos;
    if (is_wanted && count == 1 && is_first) return {};
    if (!is_wanted && count == 0) return {};
    return fmt::format("{}{}", count_of(count, "BOS token"), is_first ? "" : ", none at the start");
}

Result<std::optional<PreflightCheck>> check_bos(const Recipe& recipe, const CompiledData& data,
                                                const Tokenizer* tokenizer) {
    if (tokenizer == nullptr || !tokenizer->bos_id()) return std::optional<PreflightCheck>();
    const bool is_wanted = recipe.tokens.bos == BosRule::Auto && tokenizer->adds_bos();
    PreflightCheck check = named(is_wanted ? "exactly one BOS" : "no BOS");
    size_t looked_at = 0;
    const EpochPlan plan = data.plan_epoch(0);
    for (const SampleRef ref : plan.samples) {
        if (looked_at == kSamplesRead) break;
        const SourceReport& source = data.sources[ref.source_index];
        if (source.converter == "token_ids") continue;  // used number by number, as they are
        ++looked_at;
        TRY(sample, data.read_sample(ref));
        const std::string fault = bos_fault(sample, *tokenizer->bos_id(), is_wanted);
        if (fault.empty()) continue;
        ++check.count;
        if (check.offenders.size() < kOffendersShown) {
            check.offenders.push_back(fmt::format("{}: {}", data.place_of(ref), fault));
        }
    }
    if (looked_at == 0) return std::optional<PreflightCheck>();
    check.message = fmt::format("{} of {} looked at {} {}.", format_count(check.count),
                                count_of(static_cast<int64_t>(looked_at), "sample"),
                                check.count == 1 ? "differs from" : "differ from", check.name);
    if (check.count > 0) {
        check.level = CheckLevel::Amber;
        check.hint = "Text of the samples holds a special token, or set tokens.bos to never.";
    }
    return std::optional(std::move(check));
}

PreflightCheck check_validation(const Recipe& recipe, const CompiledData& data) {
    PreflightCheck check = named("validation rows");
    check.count = data.validation_rows();
    check.message = fmt::format("{} {} held out for validation.", count_of(check.count, "row"),
                                is_or_are(check.count));
    if (check.count == 0 && recipe.eval.keep == KeepRule::Best) {
        check.level = CheckLevel::Amber;
        check.hint =
            "Without them the last adapter is kept; set split.validation, for example 0.1.";
    }
    return check;
}

// Asked for, but nothing to ask: told before the run, which would leave the figure out.
std::optional<PreflightCheck> check_exact_match(const Recipe& recipe, const CompiledData& data) {
    const int64_t wanted = recipe.eval.exact_match_rows;
    if (wanted == 0) return std::nullopt;
    PreflightCheck check = named("exact match");
    check.message = fmt::format("Exact match is measured on at most {} of each source.",
                                count_of(wanted, "test row"));
    if (data.test_rows() > 0) return check;
    check.level = CheckLevel::Amber;
    check.message = fmt::format(
        "eval.exact_match_rows is {}, but no row is held out for tests, so "
        "exact match will not be measured.",
        wanted);
    check.hint = "Set split.test, or use: test on a source.";
    return check;
}

}  // namespace

Result<std::vector<PreflightCheck>> check_data(const Recipe& recipe, const CompiledData& data,
                                               const Tokenizer* tokenizer) {
    const Totals totals = totals_of(data);
    std::vector<PreflightCheck> checks = {check_rows(data, totals), check_stop_token(data, totals)};
    TRY(bos, check_bos(recipe, data, tokenizer));
    if (bos) checks.push_back(std::move(*bos));
    TRY(vocabulary, check_vocabulary(recipe, data, tokenizer));
    if (vocabulary) checks.push_back(std::move(*vocabulary));
    checks.push_back(check_lost_tokens(recipe, data, totals));
    checks.push_back(check_dropped(data));
    checks.push_back(check_validation(recipe, data));
    checks.push_back(check_overlap(recipe, data));
    if (auto exact = check_exact_match(recipe, data)) checks.push_back(std::move(*exact));
    return checks;
}

}  // namespace dayrun::core
