// Body of nf4_cache.h.
#include "core/quantize/nf4_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "core/base/atomic_file.h"
#include "core/base/checksum.h"
#include "core/base/hash.h"
#include "core/base/temporary.h"
#include "core/base/user_cache.h"
#include "core/quantize/nf4_writer.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "2";
constexpr const char* kFolder = ".dayrun-cache";

// A person who may write anywhere still meant a folder without write permission to be left alone.
bool is_writable(const fs::path& folder) {
    std::error_code failed;
    const fs::perms all = fs::status(folder, failed).permissions();
    const fs::perms write =
        fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
    return !failed && (all & write) != fs::perms::none && access(folder.c_str(), W_OK) == 0;
}

fs::path cache_folder(const fs::path& model) {
    if (fs::is_directory(model / kFolder) || is_writable(model)) return model / kFolder;
    std::error_code ignored;
    const fs::path real = fs::weakly_canonical(model, ignored);
    fs::path users = user_cache_folder();
    if (users.empty()) users = fs::temp_directory_path() / "dayrun-cache";
    return users / "nf4" / sha256_hex(real.string()).substr(0, 16);
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
              const Nf4Options& options, TensorSums& sums)
        : m_files(files), m_weights(linear_weights(map)), m_options(options), m_sums(sums) {
        const fs::path stem =
            cache_folder(folder) /
            fmt::format("nf4-{}{}", options.block_size, options.double_quant ? "-double" : "");
        m_path = stem;
        m_path += ".safetensors";
        m_note = stem;
        m_note += ".json";
    }

    Result<Nf4Cache> open() {
        remove_leftovers(m_path.parent_path(), Makers::MayLive);
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
        TRY(source, source_figure());
        if (text_of(note, "source") != source) return none;
        return std::move(file).value();
    }

    Result<std::unique_ptr<SafetensorsFile>> make() {
        TRY(source, source_figure());
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
        const Json note = {
            {"format", kFormat}, {"source", source}, {"content", checksum_of_file(*file)}};
        TRY_VOID(write_file(m_note, note.dump(1) + "\n"));
        return file;
    }

    /// Names, types and sums of the weights that are quantized.
    Result<std::string> source_figure() const {
        std::vector<TensorView> views;
        for (const WeightInfo& weight : m_weights) {
            TRY(view, m_files.require(weight.name, weight.shape));
            views.push_back(std::move(view));
        }
        m_sums.read(views, Pages::Drop);
        Checksum figure;
        for (const TensorView& view : views) {
            figure.add(view.name);
            figure.add(to_string(view.dtype));
            figure.add(m_sums.sums().at(view.name));
        }
        return figure.hex();
    }

    const CheckpointFiles& m_files;
    std::vector<WeightInfo> m_weights;
    Nf4Options m_options;
    TensorSums& m_sums;
    fs::path m_path, m_note;
};

}  // namespace

Result<Nf4Cache> open_nf4_cache(const fs::path& folder, const CheckpointFiles& files,
                                const WeightMap& map, const Nf4Options& options, TensorSums& sums) {
    TRY_VOID(check_nf4_options(options));
    return CacheDoor(folder, files, map, options, sums).open();
}

}  // namespace dayrun::core
