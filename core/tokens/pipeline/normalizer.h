// The normalizer of a tokenizer.json: what happens to a text before it is cut. Any thread after
// make. Neighbours: pre_tokenizer.h comes next, tokenizer_json.cpp calls both.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/pipeline/json_access.h"

namespace dayrun::core {

/// One step of a normalizer.
class NormalizerStep {
  public:
    virtual ~NormalizerStep() = default;
    virtual void apply(std::string& text) const = 0;
    /// Whether it only puts something before a text.
    virtual bool is_prefix() const { return false; }
};

class Normalizer {
  public:
    /// From the value of "normalizer" (nothing = no step). Unknown steps are refused by name.
    static Result<Normalizer> make(const std::optional<JsonElement>& config);
    /// Canonical composition alone, which Qwen 1 asks for without a tokenizer.json.
    static Normalizer nfc();

    bool is_identity() const { return m_steps.empty(); }
    /// `is_inside`: other text stands before, so that nothing is put in front.
    void apply(std::string& text, bool is_inside = false) const {
        for (const auto& step : m_steps) {
            if (!is_inside || !step->is_prefix()) step->apply(text);
        }
    }

  private:
    Result<void> add(const JsonElement& config);

    std::vector<std::shared_ptr<const NormalizerStep>> m_steps;
};

}  // namespace dayrun::core
