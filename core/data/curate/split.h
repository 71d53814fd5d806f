// Train, validation and test by group: rows of one group never stand on two sides. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/recipe/recipe.h"

namespace dayrun::core {

enum class DataPart : uint8_t { Train, Validation, Test };

/// The part of each row, given the group of each. Groups are taken in an order shuffled by `seed`
/// (of their first rows), first for test, then for validation, as long as a group still fits into
/// what its part lacks; the rest is train. Fractions count all rows, rounded down. The order of
/// validation and test rows that results is `order`: positions of the rows, groups as drawn.
struct SplitResult {
    std::vector<DataPart> parts;     // one a row
    std::vector<uint32_t> held_out;  // rows of validation and test in the order drawn
};
SplitResult split_by_group(std::span<const uint64_t> groups, const SplitSpec& spec, uint64_t seed);

/// A portion of `count` rows in rows: at most `count`.
int64_t portion_rows(const Portion& portion, int64_t count);

}  // namespace dayrun::core
