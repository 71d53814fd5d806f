// The text of --version: build id and the versions of what is linked.
#pragma once

#include <string>

namespace dayrun::app {

std::string version_text();

}  // namespace dayrun::app
