// Body of user_cache.h.
#include "core/base/user_cache.h"

#include <cstdlib>

namespace dayrun::core {

std::filesystem::path user_cache_folder() {
    const char* const home = std::getenv("HOME");
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    // A relative one would be another folder wherever one stands; the rule is to pass it over.
    if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "dayrun";
    if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".cache" / "dayrun";
    return {};
}

}  // namespace dayrun::core
