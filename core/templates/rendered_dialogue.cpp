// Body of rendered_dialogue.h.
#include "core/templates/rendered_dialogue.h"

#include <algorithm>
#include <set>

#include "core/data/text.h"

namespace dayrun::core {
namespace {

std::string_view part_of(Role role) {
    if (role == Role::System) return "system";
    return role == Role::User ? "input" : "response";
}

}  // namespace

RenderedDialogue::RenderedDialogue(jinja::Text text, std::vector<Turn> turns,
                                   const Tokenizer& tokenizer, const std::vector<int32_t>& openers)
    : m_text(std::move(text)),
      m_turns(std::move(turns)),
      m_tokenizer(tokenizer),
      m_openers(openers),
      m_contents(m_turns.size()) {
    size_t at = 0;
    for (const jinja::Run& run : m_text.runs()) {
        if (run.origin >= 0) {
            Range& content = m_contents[static_cast<size_t>(run.origin)];
            content.begin = std::min(content.begin, at);
            content.end = at + run.size;
        }
        at += run.size;
    }
    find_specials(tokenizer);
}

/// Special tokens count in the template's own words alone: a text that says "</s>" stays text.
void RenderedDialogue::find_specials(const Tokenizer& tokenizer) {
    const std::string_view bytes = m_text.bytes();
    size_t at = 0;
    size_t begin = 0;  // of the template's words that end at `at`
    const auto search = [&] {
        for (SpecialMatch match : tokenizer.find_specials(bytes.substr(begin, at - begin))) {
            match.begin += begin;
            match.end += begin;
            m_specials.push_back(match);
        }
    };
    for (const jinja::Run& run : m_text.runs()) {
        if (run.origin >= 0) {
            search();
            begin = at + run.size;
        }
        at += run.size;
    }
    search();
}

RenderedDialogue::Range RenderedDialogue::generated_around(size_t position) const {
    Range found;
    size_t at = 0;
    for (const jinja::Run& run : m_text.runs()) {
        const size_t end = at + run.size;
        if (!run.is_generated) {
            if (found.is_shown() && found.end > position) break;
            found = {};
        } else {
            if (!found.is_shown()) found.begin = at;
            found.end = end;
        }
        at = end;
    }
    return found.is_shown() && found.begin <= position && position < found.end ? found : Range{};
}

const SpecialMatch* RenderedDialogue::stop_behind(size_t from, size_t before) const {
    for (const SpecialMatch& match : m_specials) {
        if (match.begin < from) continue;
        if (match.begin >= before || !match.is_special) return nullptr;
        const bool opens =
            std::find(m_openers.begin(), m_openers.end(), match.id) != m_openers.end();
        return opens ? nullptr : &match;
    }
    return nullptr;
}

void RenderedDialogue::add_reply(size_t turn, std::string_view prompt) {
    const std::string_view bytes = m_text.bytes();
    const size_t done = m_replies.empty() ? 0 : m_replies.back().stop_end;
    const bool has_prompt = !prompt.empty() && bytes.starts_with(prompt) && prompt.size() >= done;
    Range content = m_contents[turn];
    if (!content.is_shown()) {
        // An empty reply is still ended; one that the template leaves out is none.
        if (!has_prompt || !is_blank(m_turns[turn].content)) return;
        content = {prompt.size(), prompt.size()};
    }
    Reply reply{.turn = turn, .begin = content.begin, .end = content.end};
    if (has_prompt && prompt.size() <= content.begin) reply.begin = prompt.size();
    const Range generated = generated_around(content.begin);
    if (generated.is_shown()) reply.begin = generated.begin;
    size_t next = bytes.size();
    for (size_t i = turn + 1; i < m_contents.size(); ++i) {
        if (m_contents[i].is_shown()) next = std::min(next, m_contents[i].begin);
    }
    if (const SpecialMatch* const stop = stop_behind(content.end, next)) {
        reply.has_stop = true;
        reply.end = stop->begin;
        reply.stop_end = stop->end;
    } else if (generated.is_shown()) {
        reply.end = generated.end;
    }
    reply.stop_end = std::max({reply.stop_end, reply.end, generated.end});
    m_replies.push_back(reply);
}

bool RenderedDialogue::adds_stop() const {
    return std::any_of(m_replies.begin(), m_replies.end(),
                       [](const Reply& reply) { return !reply.has_stop; });
}

std::string RenderedDialogue::unfit() const {
    for (size_t i = 0; i < m_turns.size(); ++i) {
        if (m_contents[i].is_shown() || is_blank(m_turns[i].content)) continue;
        if (m_turns[i].role == Role::Assistant) return std::string(kHiddenReply);
        return std::string(m_turns[i].role == Role::User ? kHiddenUser : kHiddenSystem);
    }
    const std::string_view bytes = m_text.bytes();
    for (size_t i = 1; i < m_replies.size(); ++i) {
        const Reply& before = m_replies[i - 1];
        const Reply& reply = m_replies[i];
        if (reply.turn != before.turn + 1) continue;
        const Range content = m_contents[reply.turn];
        const size_t begin = content.is_shown() ? content.begin : reply.begin;
        if (begin <= before.stop_end ||
            is_blank(bytes.substr(before.stop_end, begin - before.stop_end))) {
            return std::string(kJoinedReplies);
        }
    }
    return {};
}

const SpecialMatch* RenderedDialogue::special_at(size_t at) const {
    for (const SpecialMatch& match : m_specials) {
        if (match.begin <= at && at < match.end) return &match;
    }
    return nullptr;
}

TextPiece RenderedDialogue::piece_of(size_t begin, size_t end, int32_t origin,
                                     const Reply* reply) const {
    TextPiece piece{PieceKind::Text, m_text.bytes().substr(begin, end - begin), "template"};
    piece.is_continued = begin > 0;
    if (origin >= 0) {
        piece.kind = PieceKind::Content;
        piece.part = part_of(m_turns[static_cast<size_t>(origin)].role);
    } else if (const SpecialMatch* const special = special_at(begin)) {
        const bool is_stop = reply != nullptr && reply->has_stop && begin == reply->end;
        piece.kind = is_stop ? PieceKind::Stop : PieceKind::Special;
        piece.text = m_tokenizer.piece(special->id);
        if (is_stop) piece.part = "stop";
    }
    piece.is_trained = reply != nullptr && m_turns[reply->turn].is_trained;
    return piece;
}

/// Whether marks leave out what stands here even where all is trained.
bool RenderedDialogue::is_masked(int32_t origin, const Reply* reply) const {
    const auto is_off = [&](size_t turn) { return m_turns[turn].mark == TrainMark::Off; };
    return (reply != nullptr && is_off(reply->turn)) ||
           (origin >= 0 && is_off(static_cast<size_t>(origin)));
}

std::vector<TextPiece> RenderedDialogue::pieces(TrainOn train_on) const {
    std::set<size_t> borders{0, m_text.size()};
    size_t at = 0;
    for (const jinja::Run& run : m_text.runs()) borders.insert(at += run.size);
    for (const SpecialMatch& match : m_specials) borders.insert({match.begin, match.end});
    for (const Reply& reply : m_replies) borders.insert({reply.begin, reply.end, reply.stop_end});
    std::vector<TextPiece> pieces;
    size_t run = 0;
    size_t run_end = m_text.runs().empty() ? 0 : m_text.runs()[0].size;
    size_t next_reply = 0;
    const auto end_reply = [&](size_t begin) {
        // A reply without a stop token of the template gets the tokenizer's EOS.
        const Reply& reply = m_replies[next_reply];
        if (reply.has_stop || reply.end != begin) return;
        TextPiece stop{PieceKind::Stop, "", "stop", m_turns[reply.turn].is_trained};
        stop.turn = static_cast<int32_t>(next_reply);
        pieces.push_back(std::move(stop));
    };
    for (auto border = borders.begin(); border != borders.end(); ++border) {
        const size_t begin = *border;
        while (next_reply < m_replies.size() && begin >= m_replies[next_reply].end) {
            end_reply(begin);
            if (begin < m_replies[next_reply].stop_end) break;
            ++next_reply;
        }
        if (std::next(border) == borders.end()) break;
        while (begin >= run_end) run_end += m_text.runs()[++run].size;
        const Reply* reply = next_reply < m_replies.size() ? &m_replies[next_reply] : nullptr;
        if (reply != nullptr && begin < reply->begin) reply = nullptr;
        TextPiece piece = piece_of(begin, *std::next(border), m_text.runs()[run].origin, reply);
        piece.turn = static_cast<int32_t>(next_reply);
        const int32_t origin = m_text.runs()[run].origin;
        if (train_on == TrainOn::All) piece.is_trained = !is_masked(origin, reply);
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

}  // namespace dayrun::core
