// OASST1 trees to English dialogues: at each prompter's message the best-ranked reply, at each
// reply every continuation. A reply that two dialogues share is trained in the first alone. Walked
// with an explicit stack, since trees can be deep. Neighbour: converters.cpp. Any thread.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

/// A row of the other export, which has each message by itself and its dialogue in other rows.
bool is_single_message(const Value& row) {
    return row.find("message_tree_id") != nullptr && row.find("parent_id") != nullptr;
}

bool fits(const Value& row, const RowContext&) {
    const Value* const prompt = row.find("prompt");
    const bool is_tree =
        row.find("message_tree_id") != nullptr && prompt != nullptr && prompt->is_object();
    // A single message is no plain text either: it is told apart here, and refused by name.
    return is_tree || is_single_message(row);
}

bool is_usable(const Value& message) {
    const Value* const deleted = message.find("deleted");
    const Value* const review = message.find("review_result");
    const bool is_refused = review != nullptr && review->is_bool() && !review->boolean();
    return !(deleted != nullptr && deleted->boolean()) && !is_refused;
}

/// Rank 0 is the best; without ranks the first in the file counts as best.
const Value* best_reply(const Value& message) {
    const Value* const replies = message.find("replies");
    if (replies == nullptr) return nullptr;
    const Value* best = nullptr;
    double best_rank = 0;
    for (const Value& reply : replies->array()) {
        if (!is_usable(reply) || text_of(reply, "role") != "assistant") continue;
        const Value* const rank = reply.find("rank");
        const double value = rank != nullptr && rank->is_number() ? rank->number() : 1.0e9;
        if (best == nullptr || value < best_rank) {
            best = &reply;
            best_rank = value;
        }
    }
    return best;
}

/// A prompter's message still to be answered, behind the turns that lead to it.
struct Branch {
    const Value* prompt;
    std::vector<Turn> before;
};

void convert(const Value& row, const RowContext&, Converted& out) {
    if (row.find("prompt") == nullptr && is_single_message(row)) {
        out.problem =
            "it is a single message of OASST1; dialogues are made of the trees, in the file "
            "*_ready.trees.jsonl.gz";
        return;
    }
    if (!require_fields(row, {"prompt"}, out)) return;
    const Value& root = *row.find("prompt");
    const std::string language = text_of(root, "lang");
    if (!language.empty() && language != "en") {
        out.drop_reasons.emplace_back("not English");
        return;
    }
    if (!is_usable(root)) {
        out.drop_reasons.emplace_back("deleted or refused in review");
        return;
    }
    std::vector<Branch> open{{&root, {}}};
    while (!open.empty()) {
        Branch branch = std::move(open.back());
        open.pop_back();
        std::vector<Turn> turns = std::move(branch.before);
        turns.push_back({Role::User, text_of(*branch.prompt, "text"), false});
        const Value* const reply = best_reply(*branch.prompt);
        if (reply == nullptr) {
            // The dialogue ends with the reply before; a question nobody answered has none.
            add_dialogue(row, std::move(turns), out);
            continue;
        }
        turns.push_back({Role::Assistant, text_of(*reply, "text"), true});
        std::vector<const Value*> next;
        const Value* const answers = reply->find("replies");
        const Value none;
        for (const Value& answer : (answers == nullptr ? none : *answers).array()) {
            if (is_usable(answer) && best_reply(answer) != nullptr) next.push_back(&answer);
        }
        if (next.empty()) {
            add_dialogue(row, std::move(turns), out);
            continue;
        }
        // The stack gives the last one back first: that branch trains the shared turns.
        std::vector<Turn> shared = turns;
        for (Turn& turn : shared) turn.is_trained = false;
        for (size_t i = next.size(); i-- > 1;) open.push_back({next[i], shared});
        open.push_back({next.front(), std::move(turns)});
    }
}

}  // namespace

const Converter kOasst1{
    .name = "oasst1",
    .title = "OASST1 trees",
    .licence = "Apache-2.0",
    .fits = fits,
    .convert = convert,
    .layout = "*_ready.trees.jsonl.gz with message_tree_id, prompt (text, role, replies)",
};

}  // namespace dayrun::core
