// Body of train_marks.h.
#include "core/data/converters/train_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/check.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

/// What the 1 of a mark says: train this message; train it if it is a reply, as sets write on every
/// message; or nothing, for a factor that leaves the loss as it is.
enum class One { Asks, Agrees, SaysNothing };

struct MarkName {
    std::string_view name;
    One one = One::Asks;
};
constexpr std::array<MarkName, 8> kMarks{{{"weight"},
                                          {"loss_weight"},
                                          {"train"},
                                          {"trainable"},
                                          {"loss"},
                                          {"loss_mask"},
                                          {"step_loss_mask", One::Agrees},
                                          {"loss_scale", One::SaysNothing}}};
constexpr std::array<std::string_view, 3> kUserNames{"user", "human", "prompter"};

/// Absent, null, "" and an empty list say nothing: a column's missing values read like that.
bool says_nothing(const Value* value) {
    return value == nullptr || value->is_null() ||
           (value->is_string() && value->string().empty()) ||
           (value->is_array() && value->array().empty());
}

/// Off for 0 and false, On for 1 and true, as texts too; nothing for any other value.
std::optional<TrainMark> clear_mark(const Value& value) {
    if (value.is_bool()) return value.boolean() ? TrainMark::On : TrainMark::Off;
    if (value.is_string()) {
        const std::string word = to_lower(trim(value.string()));
        if (word == "0" || word == "false") return TrainMark::Off;
        if (word == "1" || word == "true") return TrainMark::On;
    }
    if (!value.is_number()) return std::nullopt;
    if (value.number() == 0.0) return TrainMark::Off;
    if (value.number() == 1.0) return TrainMark::On;
    return std::nullopt;
}

std::string unclear(std::string_view name) {
    return fmt::format("a mark on training that is neither 0 nor 1: `{}`", name);
}

/// What all marks of one turn say together.
struct TurnMark {
    bool is_off = false, is_on = false;  // of any of them
    bool asks = false;

    /// False for a value that is neither.
    bool add(const Value& value, One one) {
        const auto mark = clear_mark(value);
        if (!mark) return false;
        is_off = is_off || *mark == TrainMark::Off;
        is_on = is_on || (*mark == TrainMark::On && one != One::SaysNothing);
        asks = asks || (*mark == TrainMark::On && one == One::Asks);
        return true;
    }
    TrainMark mark() const {
        if (is_off) return TrainMark::Off;
        return asks ? TrainMark::On : TrainMark::None;
    }
};

/// Adds the marks of a message; the reason why they cannot be followed, or "".
std::string add_marks(const Value& message, TurnMark& mark) {
    for (const MarkName& known : kMarks) {
        const Value* const value = message.find(known.name);
        if (says_nothing(value)) continue;
        if (!mark.add(*value, known.one)) return unclear(known.name);
    }
    const bool has_parts = !says_nothing(message.find("train_detail"));
    return has_parts ? "a mark on training of a part of a message: `train_detail`" : "";
}

/// `weight` multiplies the loss of the row; `mask` names the speaker that is left out.
std::string row_problem(const Value& row) {
    const Value* const weight = row.find("weight");
    if (!says_nothing(weight) && !clear_mark(*weight)) return unclear("weight");
    const Value* const mask = row.find("mask");
    if (says_nothing(mask)) return {};
    const std::string masked = to_lower(trim(mask->text()));
    const bool is_user =
        std::find(kUserNames.begin(), kUserNames.end(), masked) != kUserNames.end();
    return is_user ? "" : "a `mask` that leaves out others than the user";
}

}  // namespace

bool mark_turns(const Value& row, const Value::Array& messages, std::span<Turn> turns,
                Converted& out) {
    CHECK(messages.size() == turns.size());
    if (std::string problem = row_problem(row); !problem.empty()) {
        out.drop_reasons.push_back(std::move(problem));
        return false;
    }
    const Value* const weight = row.find("weight");
    const bool is_row_off = !says_nothing(weight) && clear_mark(*weight) == TrainMark::Off;
    const Value* const listed = row.find("loss_mask");
    const bool has_list = !says_nothing(listed);
    if (has_list && listed->array().size() != turns.size()) {
        out.drop_reasons.emplace_back("a `loss_mask` that has not one entry a message");
        return false;
    }
    for (size_t i = 0; i < turns.size(); ++i) {
        TurnMark mark{.is_off = is_row_off};
        std::string problem = add_marks(messages[i], mark);
        const bool is_listed = has_list && !says_nothing(&listed->array()[i]);
        if (is_listed && !mark.add(listed->array()[i], One::Asks)) problem = unclear("loss_mask");
        if (problem.empty() && mark.is_off && mark.is_on) {
            problem = "marks on training that contradict each other";
        }
        if (!problem.empty()) {
            out.drop_reasons.push_back(std::move(problem));
            return false;
        }
        turns[i].mark = mark.mark();
        turns[i].is_trained = turns[i].role == Role::Assistant && turns[i].mark != TrainMark::Off;
    }
    return true;
}

}  // namespace dayrun::core
