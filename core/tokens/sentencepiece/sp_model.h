// What a sentencepiece model file says, read from its Protobuf bytes. Plain values: any thread.
// Neighbours: sp_bpe_encoder.cpp and sp_unigram_encoder.cpp encode with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

enum class SpPieceType : uint64_t {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
};

struct SpPiece {
    std::string text;
    float score = 0;
    SpPieceType type = SpPieceType::Normal;
};

struct SpModel {
    std::vector<SpPiece> pieces;  // the id is the index
    bool is_unigram = true;       // the default of the format
    bool is_bpe = false;
    bool byte_fallback = false;
    bool has_space_suffix = false;      // treat_whitespace_as_suffix
    bool has_normalizer_rules = false;  // a character map or rules
    bool add_dummy_prefix = true;
    bool remove_extra_whitespaces = true;
    bool escape_whitespaces = true;
};

/// Nothing when the bytes are no ModelProto, or a piece is empty or has no finite score.
std::optional<SpModel> read_sp_model(std::string_view model_proto);

}  // namespace dayrun::core
