// What a base model is: its config.json and, of every tensor in its weight files, dtype, shape and
// checksum. A run keeps it, so that it goes on and is exported with the very same base, wherever
// that lies and however its files are cut. Neighbours: tensor_sums.h, core/run/resume. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/tensor_sums.h"

namespace dayrun::core {

struct TensorFigure {
    std::string dtype;  // "BF16"
    std::vector<int64_t> shape;
    std::string checksum;  // TensorSums'
    friend bool operator==(const TensorFigure&, const TensorFigure&) = default;
};

struct BaseFingerprint {
    /// config.json as one line, its members by name, without what makes no other model: its origin,
    /// nulls, older names.
    std::string config = "{}";
    std::map<std::string, TensorFigure> tensors;  // empty with base.random_init

    /// 64 hex digits over all of it.
    std::string sha256() const;
    friend bool operator==(const BaseFingerprint&, const BaseFingerprint&) = default;
};

/// The fingerprint of FOLDER's config.json and of files whose sums are complete.
Result<BaseFingerprint> fingerprint_of(const std::filesystem::path& folder,
                                       const CheckpointFiles& files, const TensorSums& sums);
/// The same of a base that has no weights but those drawn for it.
Result<BaseFingerprint> fingerprint_of(const std::filesystem::path& folder);

/// One line of JSON, and back; FileDamaged names `where`.
std::string to_json(const BaseFingerprint& base);
Result<BaseFingerprint> parse_fingerprint(std::string_view json, const std::string& where);

/// How two bases differ, as the middle of a sentence: "rope_theta was 10000 and is 500000; 3 of 39
/// tensors have other values, the first is lm_head.weight". Empty when they do not.
std::string difference(const BaseFingerprint& was, const BaseFingerprint& is);

}  // namespace dayrun::core
