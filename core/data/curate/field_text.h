// A text with {field}s of a sample: how a recipe words a source's fields anew. Neighbours:
// reshape.h uses it; text templates (core/templates) have more. Read-only: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/data/sample.h"

namespace dayrun::core {

class FieldText {
  public:
    explicit FieldText(std::string_view text);

    /// BadRecipe naming the fields there are, when the text names another.
    Result<std::string> filled(const Sample& sample) const;

  private:
    struct Part {
        std::string text;
        bool is_field = false;
    };
    std::vector<Part> m_parts;
};

/// The end of a field's name that begins at `at`; `at` itself when none does.
size_t field_name_end(std::string_view text, size_t at);

}  // namespace dayrun::core
