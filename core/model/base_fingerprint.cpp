// Making, writing and comparing fingerprints. Neighbour: base_fingerprint.h.
#include "core/model/base_fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/hash.h"
#include "core/base/units.h"
#include "core/model/config/strict_json.h"

namespace dayrun::core {
namespace {

using Json = nlohmann::json;

// They tell who wrote the file from where, or what a server does, and change with every download of
// the same model.
constexpr std::string_view kOriginKeys[] = {"_name_or_path", "transformers_version", "use_cache"};
// Elsewhere null is the same as nothing.
constexpr std::string_view kNullMeansSomething[] = {"num_key_value_heads", "sliding_window"};
constexpr size_t kFieldsNamed = 3;
constexpr double kExact = 9007199254740992.0;  // 2^53

// 10000.0 is 10000: another program's spelling makes no other model.
void unify_numbers(Json& value) {
    if (value.is_structured()) {
        for (auto& member : value) unify_numbers(member);
        return;
    }
    if (!value.is_number_float()) return;
    const auto number = value.get<double>();
    if (std::floor(number) == number && std::abs(number) < kExact) {
        value = static_cast<int64_t>(number);
    }
}

std::string one_line(const Json& value) {
    // A text that is not UTF-8 is compared by what can be read of it.
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> config_of(const std::filesystem::path& folder) {
    TRY(config,
        read_json_object(folder / "config.json", "a JSON object with the model's settings"));
    for (const std::string_view key : kOriginKeys) config.erase(std::string(key));
    if (config.contains("torch_dtype") && !config.contains("dtype")) {
        config["dtype"] = config["torch_dtype"];  // its name until transformers 5
    }
    config.erase("torch_dtype");
    for (auto member = config.begin(); member != config.end();) {
        const bool is_nothing =
            member->is_null() &&
            std::find(std::begin(kNullMeansSomething), std::end(kNullMeansSomething),
                      member.key()) == std::end(kNullMeansSomething);
        member = is_nothing ? config.erase(member) : std::next(member);
    }
    unify_numbers(config);
    return one_line(config);
}

std::string shown(const Json& config, const std::string& key) {
    return config.contains(key) ? one_line(config[key]) : "absent";
}

// "rope_theta was 10000 and is 500000, and 2 more fields differ"
std::string config_difference(const BaseFingerprint& was, const BaseFingerprint& is) {
    const Json before = Json::parse(was.config, nullptr, false);
    const Json after = Json::parse(is.config, nullptr, false);
    std::set<std::string> keys;
    for (const Json* const config : {&before, &after}) {
        for (const auto& [key, value] : config->items()) keys.insert(key);
    }
    std::string text;
    size_t count = 0;
    for (const std::string& key : keys) {
        const std::string a = shown(before, key), b = shown(after, key);
        if (a == b || ++count > kFieldsNamed) continue;
        text += fmt::format("{}{} was {} and is {}", text.empty() ? "" : ", ", key, a, b);
    }
    if (count > kFieldsNamed) text += fmt::format(", and {} more differ", count - kFieldsNamed);
    return text;
}

/// Tensors of one kind of difference.
struct Found {
    size_t count = 0;
    std::string first;
    void add(const std::string& name) {
        if (count++ == 0) first = name;
    }
};

std::string tensor_difference(const BaseFingerprint& was, const BaseFingerprint& is) {
    Found other, gone, added;
    for (const auto& [name, figure] : was.tensors) {
        const auto found = is.tensors.find(name);
        if (found == is.tensors.end()) {
            gone.add(name);
        } else if (found->second != figure) {
            other.add(name);
        }
    }
    for (const auto& [name, figure] : is.tensors) {
        if (!was.tensors.contains(name)) added.add(name);
    }
    std::string text;
    const auto add = [&](const Found& found, std::string_view one, std::string_view many) {
        if (found.count == 0) return;
        const auto all = static_cast<int64_t>(was.tensors.size());
        text += fmt::format("{}{} of {} {}, the first is {}", text.empty() ? "" : "; ", found.count,
                            count_of(all, "tensor"), found.count == 1 ? one : many, found.first);
    };
    add(other, "differs", "differ");
    add(gone, "is gone", "are gone");
    if (added.count > 0) {
        text += fmt::format("{}{} new, the first is {}", text.empty() ? "" : "; ",
                            count_of(static_cast<int64_t>(added.count), "tensor"), added.first);
    }
    return text;
}

}  // namespace

std::string BaseFingerprint::sha256() const {
    return sha256_hex(to_json(*this));
}

Result<BaseFingerprint> fingerprint_of(const std::filesystem::path& folder) {
    TRY(config, config_of(folder));
    return BaseFingerprint{.config = config, .tensors = {}};
}

Result<BaseFingerprint> fingerprint_of(const std::filesystem::path& folder,
                                       const CheckpointFiles& files, const TensorSums& sums) {
    TRY(base, fingerprint_of(folder));
    for (const auto& file : files.files()) {
        for (const TensorView& tensor : file->tensors()) {
            base.tensors[tensor.name] = {.dtype = std::string(to_string(tensor.dtype)),
                                         .shape = tensor.shape,
                                         .checksum = sums.sums().at(tensor.name)};
        }
    }
    return base;
}

std::string to_json(const BaseFingerprint& base) {
    Json tensors = Json::object();
    for (const auto& [name, figure] : base.tensors) {
        tensors[name] = {figure.dtype, figure.shape, figure.checksum};
    }
    return one_line({{"format", 1},
                     {"config", Json::parse(base.config, nullptr, false)},
                     {"tensors", tensors}});
}

Result<BaseFingerprint> parse_fingerprint(std::string_view json, const std::string& where) {
    const auto damaged = [&](const std::string& detail) {
        return Error{
            .code = ErrorCode::FileDamaged,
            .message = fmt::format("What {} says of its base model cannot be read.", where),
            .hint = "It was damaged or changed by another program.",
            .detail = detail};
    };
    try {
        const Json document = Json::parse(json);
        if (document.at("format") != 1) return damaged("another format");
        BaseFingerprint base{.config = one_line(document.at("config")), .tensors = {}};
        for (const auto& [name, figure] : document.at("tensors").items()) {
            base.tensors[name] = {.dtype = figure.at(0).get<std::string>(),
                                  .shape = figure.at(1).get<std::vector<int64_t>>(),
                                  .checksum = figure.at(2).get<std::string>()};
        }
        return base;
    } catch (const Json::exception& failure) {
        return damaged(failure.what());
    }
}

std::string difference(const BaseFingerprint& was, const BaseFingerprint& is) {
    std::string text = config_difference(was, is);
    const std::string tensors = tensor_difference(was, is);
    if (!text.empty() && !tensors.empty()) text += "; ";
    return text + tensors;
}

}  // namespace dayrun::core
