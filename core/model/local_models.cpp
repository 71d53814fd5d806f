// The models on this computer: the hub's cache and plain folders. Declared in model_folder.h.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "core/model/model_folder.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

/// A variable's value, with nothing for empty as Python's libraries treat it.
std::optional<fs::path> environment_path(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    std::string text = value;
    const char* const home = std::getenv("HOME");
    if (home != nullptr && (text == "~" || text.starts_with("~/"))) text = home + text.substr(1);
    return fs::path(text);
}

bool has_config(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(folder / "config.json", ignored);
}

/// "models--mistralai--Mistral-7B-v0.1" -> "mistralai/Mistral-7B-v0.1", else nothing.
std::optional<std::string> repository_name(const std::string& folder) {
    constexpr std::string_view kStart = "models--";
    if (!folder.starts_with(kStart)) return std::nullopt;
    std::string name = folder.substr(kStart.size());
    if (const size_t at = name.find("--"); at != std::string::npos) name.replace(at, 2, "/");
    return name;
}

/// The snapshot that refs/main names, else the newest one with a config.
fs::path best_snapshot(const fs::path& repository) {
    std::ifstream ref(repository / "refs" / "main");
    std::string commit;
    if (ref && std::getline(ref, commit) && has_config(repository / "snapshots" / commit)) {
        return repository / "snapshots" / commit;
    }
    fs::path best;
    fs::file_time_type best_time;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(repository / "snapshots", ignored)) {
        if (!has_config(entry.path())) continue;
        const auto time = fs::last_write_time(entry.path(), ignored);
        if (best.empty() || time > best_time) {
            best = entry.path();
            best_time = time;
        }
    }
    return best;
}

}  // namespace

fs::path hub_cache_folder() {
    for (const char* const name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
        if (const auto path = environment_path(name)) return *path;
    }
    if (const auto path = environment_path("HF_HOME")) return *path / "hub";
    if (const auto path = environment_path("XDG_CACHE_HOME")) return *path / "huggingface" / "hub";
    if (const auto path = environment_path("HOME")) {
        return *path / ".cache" / "huggingface" / "hub";
    }
    return {};
}

std::vector<LocalModel> list_local_models(const std::vector<fs::path>& extra_folders) {
    std::vector<LocalModel> models;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(hub_cache_folder(), ignored)) {
        const auto name = repository_name(entry.path().filename().string());
        if (!name) continue;
        const fs::path snapshot = best_snapshot(entry.path());
        if (!snapshot.empty()) models.push_back({*name, snapshot});
    }
    for (const fs::path& folder : extra_folders) {
        if (has_config(folder)) {
            models.push_back({folder.filename().string(), folder});
            continue;
        }
        for (const auto& entry : fs::directory_iterator(folder, ignored)) {
            if (!has_config(entry.path())) continue;
            models.push_back({entry.path().filename().string(), entry.path()});
        }
    }
    std::sort(models.begin(), models.end(), [](const LocalModel& a, const LocalModel& b) {
        return std::pair(a.name, a.folder) < std::pair(b.name, b.folder);
    });
    return models;
}

}  // namespace dayrun::core
