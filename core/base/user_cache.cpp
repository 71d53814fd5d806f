// Body of user_cache.h.
#include "core/base/user_cache.h"

#include <cstdlib>

namespace dayrun::core {

std::filesystem::path user_cache_folder() {
    const char* const home = std::getenv("HOME");
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && *cache != 0) return std::filesystem::path(cache) / "dayrun";
    if (home != nullptr && *home != 0) return std::filesystem::path(home) / ".cache" / "dayrun";
    return {};
}

}  // namespace dayrun::core
