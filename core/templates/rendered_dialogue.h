// A dialogue as a model's template rendered it: where each reply and its stop token lie, told by
// the origin of the characters. Neighbours: model_renderer.cpp makes it. One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/data/sample.h"
#include "core/recipe/recipe.h"
#include "core/templates/text_piece.h"
#include "core/tokens/jinja/text.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

class RenderedDialogue {
  public:
    /// A turn's place in `turns` is its characters' origin. `openers`: special tokens that begin a
    /// turn. They and `tokenizer` must outlive it.
    RenderedDialogue(jinja::Text text, std::vector<Turn> turns, const Tokenizer& tokenizer,
                     const std::vector<int32_t>& openers);

    /// Finds the reply of a turn; in order of the turns. `prompt`: what the template renders before
    /// it with add_generation_prompt, "" when unknown. A reply begins behind that, or at its first
    /// character; it ends with the first special token behind its content.
    void add_reply(size_t turn, std::string_view prompt);

    std::vector<TextPiece> pieces(TrainOn train_on) const;
    /// Whether a reply has no stop token in the template's text.
    bool adds_stop() const;
    /// RenderedSample::unfit: which kind of turn the template leaves out, or that two replies
    /// follow each other with nothing of the template between them.
    std::string unfit() const;

  private:
    struct Reply {
        size_t turn = 0;
        size_t begin = 0, end = 0;  // bytes; without the stop token
        size_t stop_end = 0;        // behind it, or behind {% generation %}
        bool has_stop = false;
    };
    struct Range {
        size_t begin = std::string::npos, end = 0;
        bool is_shown() const { return begin != std::string::npos; }
    };

    void find_specials(const Tokenizer& tokenizer);
    Range generated_around(size_t at) const;
    const SpecialMatch* stop_behind(size_t from, size_t before) const;
    const SpecialMatch* special_at(size_t at) const;
    bool is_masked(int32_t origin, const Reply* reply) const;
    TextPiece piece_of(size_t begin, size_t end, int32_t origin, const Reply* reply) const;

    jinja::Text m_text;
    std::vector<Turn> m_turns;
    const Tokenizer& m_tokenizer;
    const std::vector<int32_t>& m_openers;
    std::vector<Range> m_contents;  // of each turn, in the text
    std::vector<SpecialMatch> m_specials;
    std::vector<Reply> m_replies;
};

}  // namespace dayrun::core
