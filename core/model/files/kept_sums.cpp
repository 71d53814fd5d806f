// Body of kept_sums.h.
#include "core/model/files/kept_sums.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/base/checksum.h"
#include "core/base/user_cache.h"

namespace dayrun::core {
namespace {

constexpr const char* kFormat = "1";

std::filesystem::path path_of(const FileStamp& stamp) {
    const std::filesystem::path cache = user_cache_folder();
    if (cache.empty()) return {};
    return cache / "bases" / fmt::format("{:x}-{:x}.json", stamp.device, stamp.inode);
}

nlohmann::json content_of(const FileStamp& stamp, const SumsByTensor& sums) {
    return {{"format", kFormat},
            {"bytes", stamp.bytes},
            {"modified_ns", stamp.modified_ns},
            {"changed_ns", stamp.changed_ns},
            {"tensors", sums}};
}

std::string sum_of(const nlohmann::json& content) {
    Checksum checksum;
    checksum.add(content.dump());
    return checksum.hex();
}

}  // namespace

std::optional<SumsByTensor> kept_sums(const FileStamp& stamp) {
    const std::filesystem::path path = path_of(stamp);
    std::error_code ignored;
    if (path.empty() || !std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
    const Result<std::string> text = read_file(path);
    if (!text.ok()) return std::nullopt;
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (!json.is_object() || !json.contains("content") || !json.contains("sum")) {
        return std::nullopt;
    }
    const nlohmann::json& content = json["content"];
    if (json["sum"] != sum_of(content)) return std::nullopt;
    try {
        SumsByTensor sums = content.at("tensors").get<SumsByTensor>();
        if (content == content_of(stamp, sums)) return sums;
    } catch (const nlohmann::json::exception&) {
        // Another program's file: as good as none.
    }
    return std::nullopt;
}

void keep_sums(const FileStamp& stamp, const SumsByTensor& sums) {
    const std::filesystem::path path = path_of(stamp);
    if (path.empty()) return;
    const nlohmann::json content = content_of(stamp, sums);
    const nlohmann::json json = {{"content", content}, {"sum", sum_of(content)}};
    [[maybe_unused]] const Result<void> ignored = write_file(path, json.dump() + "\n");
}

}  // namespace dayrun::core
