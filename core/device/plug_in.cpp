// Looking for the file. Neighbour: plug_in.h.
#include "core/device/plug_in.h"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>

#include "core/base/resource_path.h"

namespace dayrun::core {

namespace fs = std::filesystem;

Result<std::optional<fs::path>> find_plug_in(const PlugIn& plug_in) {
    std::error_code ignored;
    if (const char* const chosen = std::getenv(plug_in.variable); chosen && *chosen) {
        if (!fs::exists(chosen, ignored)) {
            return Error{.code = plug_in.missing,
                         .message = fmt::format("There is no {} at {}.", plug_in.title, chosen),
                         .hint = fmt::format("Correct the environment variable {}, or unset it.",
                                             plug_in.variable)};
        }
        // Whose code runs must not hang on the folder that somebody stands in.
        if (!fs::path(chosen).is_absolute()) {
            return Error{
                .code = plug_in.missing,
                .message = fmt::format("The {} {} is not named by an absolute path.", plug_in.title,
                                       chosen),
                .hint = fmt::format("Begin the environment variable {} with a '/', or unset it.",
                                    plug_in.variable)};
        }
        return std::optional(fs::path(chosen));
    }
    TRY(folder, executable_folder());
    for (const fs::path& place : {folder, (folder / ".." / "lib" / "dayrun").lexically_normal()}) {
        if (fs::exists(place / plug_in.file, ignored)) return std::optional(place / plug_in.file);
    }
    return std::optional<fs::path>();
}

}  // namespace dayrun::core
