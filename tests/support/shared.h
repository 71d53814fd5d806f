// Finds the reference data that lies beside the project (../shared: goldens, models, data).
// A clone without it is complete: such a test skips with a reason, and small fixtures in the test
// itself cover the same code. Neighbour: test_registry.h.
#pragma once

#include <QTest>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

namespace dayrun::tests {

/// The file or folder `relative` of the reference data, or nothing when it is not on this machine.
/// The environment variable DAYRUN_SHARED names another place than ../shared.
inline std::optional<std::filesystem::path> shared_path(std::string_view relative) {
    const char* const chosen = std::getenv("DAYRUN_SHARED");
    const bool is_chosen = chosen != nullptr && *chosen != '\0';
    const std::filesystem::path root =
        is_chosen ? std::filesystem::path(chosen)
                  : std::filesystem::path(DAYRUN_SOURCE_DIR).parent_path() / "shared";
    std::filesystem::path found = root / relative;
    std::error_code ignored;
    if (!std::filesystem::exists(found, ignored)) return std::nullopt;
    return found;
}

}  // namespace dayrun::tests

/// Declares `const std::filesystem::path var`, or skips the running test with a clear reason.
///     DAYRUN_REQUIRE_SHARED(golden, "goldens/models/llama");
#define DAYRUN_REQUIRE_SHARED(var, relative)                          \
    const auto var##_if_there = dayrun::tests::shared_path(relative); \
    if (!var##_if_there) {                                            \
        QSKIP("reference data ../shared/" relative                    \
              " is not here (DAYRUN_SHARED names its place)");        \
    }                                                                 \
    const std::filesystem::path& var = *var##_if_there
