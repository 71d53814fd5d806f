// Body of nf4_cache.h.
#include "core/quantize/nf4_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "core/base/atomic_file.h"
#include "core/base/checksum.h"
#include "core/base/hash.h"
#include "core/quantize/nf4_writer.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "1";
constexpr const char* kFolder = ".dayrun-cache";

// A person who may write anywhere still meant a folder without write permission to be left alone.
bool is_writable(const fs::path& folder) {
    std::error_code failed;
    const fs::perms all = fs::status(folder, failed).permissions();
    const fs::perms write =
        fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
    return !failed && (all & write) != fs::perms::none && access(folder.c_str(), W_OK) == 0;
}

fs::path users_cache() {
    const char* const home = std::getenv("HOME");
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && *cache != 0) return fs::path(cache) / "dayrun";
    if (home != nullptr && *home != 0) return fs::path(home) / ".cache" / "dayrun";
    return fs::temp_directory_path() / "dayrun-cache";
}

fs::path cache_folder(const fs::path& model) {
    if (fs::is_directory(model / kFolder) || is_writable(model)) return model / kFolder;
    std::error_code ignored;
    const fs::path real = fs::weakly_canonical(model, ignored);
    return users_cache() / "nf4" / sha256_hex(real.string()).substr(0, 16);
}

/// Size and time of each file the weights lie in.
Json stamps_of(const CheckpointFiles& files) {
    Json stamps = Json::array();
    for (const auto& file : files.files()) {
        std::error_code ignored;
        const auto modified = fs::last_write_time(file->path(), ignored).time_since_epoch().count();
        stamps.push_back({{"name", file->path().filename().string()},
                          {"bytes", fs::file_size(file->path(), ignored)},
                          {"modified", static_cast<int64_t>(modified)}});
    }
    return stamps;
}

std::string text_of(const Json& note, const char* key) {
    const auto found = note.find(key);
    return found != note.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string checksum_of_file(const SafetensorsFile& file) {
    Checksum checksum;
    for (const TensorView& tensor : file.tensors()) {
        checksum.add(tensor.name);
        checksum.add(tensor.bytes);
    }
    return checksum.hex();
}

class CacheDoor {
  public:
    CacheDoor(const fs::path& folder, const CheckpointFiles& files, const WeightMap& map,
              const Nf4Options& options)
        : m_files(files), m_weights(linear_weights(map)), m_options(options) {
        const fs::path stem =
            cache_folder(folder) /
            fmt::format("nf4-{}{}", options.block_size, options.double_quant ? "-double" : "");
        m_path = stem;
        m_path += ".safetensors";
        m_note = stem;
        m_note += ".json";
    }

    Result<Nf4Cache> open() {
        std::error_code ignored;
        const bool was_there = fs::exists(m_path, ignored);
        if (was_there) {
            TRY(found, find());
            if (found != nullptr) return Nf4Cache{std::move(found), m_path, Nf4CacheUse::Found};
        }
        TRY(made, make());
        return Nf4Cache{std::move(made), m_path,
                        was_there ? Nf4CacheUse::MadeAgain : Nf4CacheUse::Made};
    }

  private:
    /// The cache when it is whole and of these weights, else null.
    Result<std::unique_ptr<SafetensorsFile>> find() {
        std::unique_ptr<SafetensorsFile> none;
        const Result<std::string> text = read_file(m_note);
        const Json note = text.ok() ? Json::parse(*text, nullptr, false) : Json();
        if (!note.is_object() || text_of(note, "format") != kFormat) return none;
        auto file = SafetensorsFile::open(m_path);
        if (!file.ok() || text_of(note, "content") != checksum_of_file(**file)) return none;
        const Json stamps = stamps_of(m_files);
        if (!note.contains("files") || note["files"] != stamps) {
            TRY(weights, checksum_of_weights(m_files, m_weights));
            if (text_of(note, "weights") != weights) return none;
            TRY_VOID(write_note(stamps, weights, **file));
        }
        return std::move(file).value();
    }

    Result<std::unique_ptr<SafetensorsFile>> make() {
        const Json stamps = stamps_of(m_files);
        TRY(weights, checksum_of_weights(m_files, m_weights));
        if (auto made = ensure_folder(m_path.parent_path()); !made.ok()) {
            Error error = std::move(made).error();
            error.hint =
                "The NF4 weights are kept beside the model, or in XDG_CACHE_HOME where "
                "its folder is read-only: let that name a folder you may write to.";
            return error;
        }
        TRY_VOID(
            write_nf4(m_path, {.files = m_files, .quantized = m_weights, .options = m_options}));
        TRY(file, SafetensorsFile::open(m_path));
        TRY_VOID(write_note(stamps, weights, *file));
        return file;
    }

    Result<void> write_note(const Json& stamps, const std::string& weights,
                            const SafetensorsFile& file) const {
        const Json note = {{"format", kFormat},
                           {"weights", weights},
                           {"content", checksum_of_file(file)},
                           {"files", stamps}};
        return write_file(m_note, note.dump(1) + "\n");
    }

    const CheckpointFiles& m_files;
    std::vector<WeightInfo> m_weights;
    Nf4Options m_options;
    fs::path m_path, m_note;
};

}  // namespace

Result<Nf4Cache> open_nf4_cache(const fs::path& folder, const CheckpointFiles& files,
                                const WeightMap& map, const Nf4Options& options) {
    TRY_VOID(check_nf4_options(options));
    return CacheDoor(folder, files, map, options).open();
}

}  // namespace dayrun::core
