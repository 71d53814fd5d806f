// The decoder of a tokenizer.json: tokens back to text. Any thread after make.
// Neighbours: tokenizer_json.cpp gives it tokens, byte_level.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/pipeline/json_access.h"

namespace dayrun::core {

class DecoderStep {
  public:
    virtual ~DecoderStep() = default;
    virtual void apply(std::vector<std::string>& tokens) const = 0;
};

class TokenDecoder {
  public:
    /// From the value of "decoder"; nothing joins the tokens by spaces. With `is_byte_level` the
    /// tokens are raw bytes, which ByteLevel joins to characters. Unknown steps are refused by
    /// name.
    static Result<TokenDecoder> make(const std::optional<JsonElement>& config, bool is_byte_level);

    std::string decode(std::vector<std::string> tokens) const;

  private:
    Result<void> add(const JsonElement& config, bool is_byte_level);

    std::vector<std::shared_ptr<const DecoderStep>> m_steps;
    bool m_joins_by_spaces = false;
};

}  // namespace dayrun::core
