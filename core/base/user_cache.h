// Where Dayrun keeps what it can make again, outside of any project. Any thread.
#pragma once

#include <filesystem>

namespace dayrun::core {

/// XDG_CACHE_HOME/dayrun or HOME/.cache/dayrun; empty when neither is an absolute path. It need not
/// exist.
std::filesystem::path user_cache_folder();

}  // namespace dayrun::core
