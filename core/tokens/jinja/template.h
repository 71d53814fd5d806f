// The door to templates in Jinja's language: parse once, render often. The subset is what the chat
// templates of known model families use, in their environment (trim_blocks, lstrip_blocks, loop
// controls, {% generation %}, Python's json.dumps behind tojson). Neighbours: value.h, text.h;
// core/templates/model_template.cpp renders dialogues. Read-only after parse(): any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/jinja/value.h"

namespace dayrun::core::jinja {

using Context = std::vector<std::pair<std::string, Value>>;

class Template {
  public:
    /// BadTokenizer for a mistake, Unsupported naming what lies outside the subset; with its place.
    static Result<Template> parse(std::string_view source);
    Template(Template&&) noexcept;
    ~Template();

    /// BadData with the template's own words when it refuses (raise_exception) or fails.
    Result<Text> render(Context context) const;

  private:
    struct Tree;
    explicit Template(std::unique_ptr<const Tree> tree);
    std::unique_ptr<const Tree> m_tree;
};

}  // namespace dayrun::core::jinja
