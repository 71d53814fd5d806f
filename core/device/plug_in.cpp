// Looking for the file, and opening it. Neighbour: plug_in.h.
#include "core/device/plug_in.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <system_error>
#include <utility>

#include "core/base/resource_path.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

Error missing(const PlugIn& plug_in, std::string message, std::string hint,
              std::string detail = {}) {
    return {.code = plug_in.missing,
            .message = std::move(message),
            .hint = std::move(hint),
            .detail = std::move(detail)};
}

}  // namespace

Result<fs::path> find_plug_in(const PlugIn& plug_in) {
    std::error_code ignored;
    if (const char* const chosen = std::getenv(plug_in.variable); chosen && *chosen) {
        if (!fs::exists(chosen, ignored)) {
            return missing(
                plug_in, fmt::format("There is no {} at {}.", plug_in.title, chosen),
                fmt::format("Correct the environment variable {}, or unset it.", plug_in.variable));
        }
        // Whose code runs must not hang on the folder that somebody stands in.
        if (!fs::path(chosen).is_absolute()) {
            return missing(
                plug_in,
                fmt::format("The {} {} is not named by an absolute path.", plug_in.title, chosen),
                fmt::format("Begin the environment variable {} with a '/', or unset it.",
                            plug_in.variable));
        }
        return fs::path(chosen);
    }
    TRY(folder, executable_folder());
    for (const fs::path& place : {folder, (folder / ".." / "lib" / "dayrun").lexically_normal()}) {
        if (fs::exists(place / plug_in.file, ignored)) return place / plug_in.file;
    }
    if (!plug_in.not_built.empty()) {
        return missing(plug_in, plug_in.not_built, plug_in.not_built_hint);
    }
    return missing(plug_in,
                   fmt::format("The {} {} is not beside the program.", plug_in.title, plug_in.file),
                   "Build or install Dayrun again.");
}

Result<void*> open_plug_in(const PlugIn& plug_in, const fs::path& file, const char* symbol) {
    void* const opened = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) {
        const char* const reason = dlerror();
        return missing(
            plug_in, fmt::format("The {} {} cannot be opened.", plug_in.title, file.string()),
            fmt::format("Run ./run again in the source folder; it fetches {}.", plug_in.libraries),
            reason != nullptr ? reason : "");
    }
    void* const function = dlsym(opened, symbol);
    if (function == nullptr) return other_version(plug_in, file);
    return function;
}

Error other_version(const PlugIn& plug_in, const fs::path& file) {
    return missing(plug_in,
                   fmt::format("The {} {} is of another version.", plug_in.title, file.string()),
                   "Build or install Dayrun again.");
}

}  // namespace dayrun::core
