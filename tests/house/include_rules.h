// The dependency rule app -> ui -> core -> kernels as one function. Neighbour: test_rooms, which
// holds it against every #include of the tree and against examples that must be refused.
#pragma once

#include <string>

namespace dayrun::tests {

/// Why the file `path` ("ui/shell/main_window.cpp") must not include `included`
/// ("torch/torch.h", "core/data/curate/mix.h"); empty when it may.
std::string forbidden_include(const std::string& path, const std::string& included);

}  // namespace dayrun::tests
