// Drawing whole groups until the parts are full. Neighbour: data_compiler. Any thread.
#include "core/data/curate/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "core/base/rng.h"

namespace dayrun::core {

int64_t portion_rows(const Portion& portion, int64_t count) {
    if (portion.rows) return std::clamp<int64_t>(*portion.rows, 0, count);
    const double rows = portion.fraction.value_or(0.0) * static_cast<double>(count);
    // 0.1 of 30 must be 3 although the product is a little less.
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(rows + 1e-9)), 0, count);
}

SplitResult split_by_group(std::span<const uint64_t> groups, const SplitSpec& spec, uint64_t seed) {
    const auto count = static_cast<int64_t>(groups.size());
    SplitResult result;
    result.parts.assign(groups.size(), DataPart::Train);
    int64_t test_lacks = portion_rows(spec.test, count);
    int64_t validation_lacks = portion_rows(spec.validation, count);
    if (test_lacks + validation_lacks == 0) return result;

    // Rows of each group, groups numbered by their first row.
    std::unordered_map<uint64_t, uint32_t> numbers;
    std::vector<uint32_t> group_of(groups.size());
    std::vector<uint32_t> sizes;
    for (size_t row = 0; row < groups.size(); ++row) {
        const auto [entry, is_new] =
            numbers.try_emplace(groups[row], static_cast<uint32_t>(sizes.size()));
        if (is_new) sizes.push_back(0);
        group_of[row] = entry->second;
        ++sizes[entry->second];
    }
    const auto order = permutation(static_cast<uint32_t>(sizes.size()), seed, "split");
    std::vector<DataPart> part_of_group(sizes.size(), DataPart::Train);
    std::vector<uint32_t> place(sizes.size(), 0);
    for (uint32_t i = 0; i < order.size(); ++i) {
        const uint32_t group = order[i];
        place[group] = i;
        if (sizes[group] <= test_lacks) {
            part_of_group[group] = DataPart::Test;
            test_lacks -= sizes[group];
        } else if (sizes[group] <= validation_lacks) {
            part_of_group[group] = DataPart::Validation;
            validation_lacks -= sizes[group];
        }
    }
    for (size_t row = 0; row < groups.size(); ++row) {
        result.parts[row] = part_of_group[group_of[row]];
        if (result.parts[row] != DataPart::Train) {
            result.held_out.push_back(static_cast<uint32_t>(row));
        }
    }
    std::stable_sort(result.held_out.begin(), result.held_out.end(), [&](uint32_t a, uint32_t b) {
        return place[group_of[a]] < place[group_of[b]];
    });
    return result;
}

}  // namespace dayrun::core
