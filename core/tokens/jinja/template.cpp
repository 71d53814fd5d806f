// Body of template.h.
#include "core/tokens/jinja/template.h"

#include "core/tokens/jinja/evaluator.h"
#include "core/tokens/jinja/parser.h"

namespace dayrun::core::jinja {

struct Template::Tree {
    Body body;
};

Template::Template(std::unique_ptr<const Tree> tree) : m_tree(std::move(tree)) {}
Template::Template(Template&&) noexcept = default;
Template::~Template() = default;

Result<Template> Template::parse(std::string_view source) {
    TRY(body, jinja::parse(source));
    auto tree = std::make_unique<Tree>();
    tree->body = std::move(body);
    return Template(std::move(tree));
}

Result<Text> Template::render(Context context) const {
    return Evaluator(std::move(context)).run(m_tree->body);
}

}  // namespace dayrun::core::jinja
