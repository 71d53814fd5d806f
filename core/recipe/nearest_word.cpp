// Levenshtein distance with one row. Neighbour: nearest_word.h.
#include "core/recipe/nearest_word.h"

#include <algorithm>
#include <numeric>

namespace dayrun::core {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
    std::string best;
    size_t best_distance = std::max<size_t>(word.size() / 3, 1) + 1;
    for (const std::string& candidate : known) {
        // "rank" for "lora_rank" is the same thought, however many letters are missing.
        const bool part = word.size() >= 4 && candidate.find(word) != std::string::npos;
        const size_t distance = part ? 1 : edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

}  // namespace dayrun::core
