// What this build is: for `dayrun --version`, `dayrun doctor` and the build_id of every run record.
// The body is written at build time from build_info.cpp.in. Plain constants: any thread.
#pragma once

#include <string_view>

namespace dayrun::core {

struct BuildInfo {
    std::string_view version;        // "0.1.0"
    std::string_view commit;         // 12 digits, "-dirty" after them if the tree differed
    std::string_view build_id;       // version and commit: "0.1.0+cad0acca2706"
    std::string_view compiler;       // "GNU 12.2.0"
    std::string_view build_type;     // "RelWithDebInfo"
    std::string_view torch_version;  // of the wheel it was built with: "2.11.0+cu130"
    std::string_view cuda_version;   // of the toolkit: "13.0.88"; empty in a CPU-only build
    std::string_view source_dir;     // where it was built; only resource_path reads it

    bool has_cuda() const { return !cuda_version.empty(); }
};

const BuildInfo& build_info();

}  // namespace dayrun::core
