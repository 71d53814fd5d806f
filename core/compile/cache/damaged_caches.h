// Going on after a token cache turned out damaged: whoever met it has set it aside, so that the
// same work begun anew builds it again. Neighbours: token_cache.h sets aside; batch_stream.h mends
// in the middle of an epoch. Any thread.
#pragma once

#include <cstddef>

namespace dayrun::core {

/// The result of `attempt(is_damaged)`, begun anew as long as it fails and sets `is_damaged`: each
/// of the `sources` may have one cache to mend, and what is damaged again after that stays so.
template <class Attempt>
auto over_damaged_caches(size_t sources, const Attempt& attempt) {
    for (;; --sources) {
        bool is_damaged = false;
        auto result = attempt(is_damaged);
        if (result.ok() || !is_damaged || sources == 0) return result;
    }
}

}  // namespace dayrun::core
