// A mark that says "do not train" is followed or its row is counted: generated marks on messages
// and rows in every layout of dialogues, against an oracle that reads the row by itself.
#include <QTest>
#include <set>

#include "core/base/rng.h"
#include "core/data/converters/converter.h"
#include "core/data/curate/reshape.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

const Value kNone;

/// A value of a mark and what it says: 0 off, 1 on, 2 nothing, 3 unclear.
struct MarkValue {
    Value value;
    int says = 2;
};

const std::vector<MarkValue>& mark_values() {
    static const std::vector<MarkValue> all{
        {Value(int64_t{0}), 0}, {Value(0.0), 0},
        {Value(false), 0},      {Value(int64_t{1}), 1},
        {Value(1.0), 1},        {Value(true), 1},
        {Value(), 2},           {Value(0.5), 3},
        {Value(int64_t{2}), 3}, {Value(-1.0), 3},
        {Value("no"), 3},       {Value("0"), 0},
        {Value("true"), 1},     {Value(Value::Array{Value(true), Value(false)}), 3}};
    return all;
}

const std::vector<std::string>& mark_names() {
    static const std::vector<std::string> all{"weight",     "loss_weight",   "train",
                                              "trainable",  "loss",          "loss_mask",
                                              "loss_scale", "step_loss_mask"};
    return all;
}

/// A layout of dialogues: its list, and the members of a message.
struct Layout {
    std::string converter, list, role, user, reply, content;
};

const std::vector<Layout>& layouts() {
    static const std::vector<Layout> all{
        {"messages", "messages", "role", "user", "assistant", "content"},
        {"sharegpt", "conversations", "from", "human", "gpt", "value"}};
    return all;
}

Value message_of(const Layout& layout, bool is_reply, const std::string& content) {
    return Value(Value::Object{{layout.role, Value(is_reply ? layout.reply : layout.user)},
                               {layout.content, Value(content)}});
}

Value row_of(const Layout& layout, Value::Array messages) {
    return Value(Value::Object{{layout.list, Value(std::move(messages))}});
}

Converted converted_by(const std::string& converter, const Value& row) {
    Converted converted;
    find_converter(converter)->convert(row, {kNone, ""}, converted);
    return converted;
}

/// Two exchanges; the member `name` on message `at`.
Value marked_row(const Layout& layout, size_t at, const std::string& name, const Value& value) {
    Value::Array messages;
    for (size_t i = 0; i < 4; ++i) {
        messages.push_back(message_of(layout, i % 2 == 1, "t" + std::to_string(i)));
    }
    if (at < messages.size()) messages[at].object().push_back({name, value});
    return row_of(layout, std::move(messages));
}

}  // namespace

class TestTrainMarks : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void generated_marks_are_followed_or_counted() {
        std::set<std::string> reasons;
        for (const Layout& layout : layouts()) {
            Rng rng(21, layout.converter);
            int kept = 0, masked = 0;
            for (int round = 0; round < 5000; ++round) {
                const size_t size = 2 * (1 + rng.below(3));
                Value::Array messages;
                bool is_unclear = false;
                std::vector<bool> trains(size);
                for (size_t i = 0; i < size; ++i) {
                    const bool is_reply = i % 2 == 1;
                    Value message = message_of(layout, is_reply, "t" + std::to_string(i));
                    bool is_off = false, is_on = false;
                    for (const std::string& name : mark_names()) {
                        if (rng.below(10) > 0) continue;
                        // Mostly what is clear, so that enough rows are kept.
                        const size_t values = rng.below(4) > 0 ? 7 : mark_values().size();
                        const MarkValue& mark = mark_values()[rng.below(values)];
                        message.object().push_back({name, mark.value});
                        is_off = is_off || mark.says == 0;
                        // A factor of 1 is no word against a mark that masks.
                        is_on = is_on || (mark.says == 1 && name != "loss_scale");
                        is_unclear = is_unclear || mark.says == 3;
                    }
                    is_unclear = is_unclear || (is_off && is_on);
                    trains[i] = is_reply && !is_off;
                    messages.push_back(std::move(message));
                }
                const Converted converted =
                    converted_by(layout.converter, row_of(layout, std::move(messages)));
                const bool has_reply =
                    std::find(trains.begin(), trains.end(), true) != trains.end();
                QVERIFY(converted.problem.empty());
                QCOMPARE(converted.samples.size(), size_t{!is_unclear && has_reply ? 1u : 0u});
                QCOMPARE(converted.drop_reasons.size(), size_t{1} - converted.samples.size());
                for (const std::string& reason : converted.drop_reasons) reasons.insert(reason);
                if (converted.samples.empty()) continue;
                ++kept;
                for (size_t i = 0; i < size; ++i) {
                    const Message message = converted.samples[0].messages()[i];
                    QCOMPARE(message.is_trained, bool{trains[i]});
                    masked += i % 2 == 1 && !trains[i];
                }
            }
            QVERIFY(kept > 1000 && masked > 200);
        }
        QVERIFY(reasons.contains("marks on training that contradict each other"));
        QVERIFY(reasons.contains("nothing to train: no reply is marked for training"));
        for (const std::string& name : mark_names()) {
            QVERIFY(reasons.contains("a mark on training that is neither 0 nor 1: `" + name + "`"));
        }
    }

    // Each mark by itself on the first reply, where the second one stays to be trained.
    void every_mark_masks_its_reply_alone() {
        for (const Layout& layout : layouts()) {
            for (const std::string& name : mark_names()) {
                const Converted off =
                    converted_by(layout.converter, marked_row(layout, 1, name, Value(false)));
                QCOMPARE(off.samples.size(), size_t{1});
                QVERIFY2(!off.samples[0].messages()[1].is_trained, name.c_str());
                QVERIFY(off.samples[0].messages()[1].mark == TrainMark::Off);
                QVERIFY(off.samples[0].messages()[3].is_trained);
                const Converted part =
                    converted_by(layout.converter, marked_row(layout, 1, name, Value(0.25)));
                QCOMPARE(part.drop_reasons.size(), size_t{1});
            }
            const Value range(Value::Array{Value(
                Value::Object{{"begin_offset", Value(int64_t{0})}, {"train", Value(false)}})});
            QCOMPARE(converted_by(layout.converter, marked_row(layout, 1, "train_detail", range))
                         .drop_reasons.size(),
                     size_t{1});
        }
    }

    // Asked of a question, a mark is kept for the template, which knows what train_on says.
    void a_question_keeps_its_mark() {
        for (const Layout& layout : layouts()) {
            const auto mark_of = [&](const std::string& name, const Value& value) {
                const Converted made =
                    converted_by(layout.converter, marked_row(layout, 2, name, value));
                return made.samples.size() == 1 ? made.samples[0].messages()[2].mark
                                                : TrainMark::None;
            };
            QVERIFY(mark_of("train", Value(true)) == TrainMark::On);
            QVERIFY(mark_of("weight", Value(int64_t{0})) == TrainMark::Off);
            // What these two have everywhere asks for nothing.
            QVERIFY(mark_of("step_loss_mask", Value(int64_t{1})) == TrainMark::None);
            QVERIFY(mark_of("loss_scale", Value(1.0)) == TrainMark::None);
        }
    }

    void marks_of_the_row_are_followed_or_counted() {
        struct RowMark {
            std::string name;
            Value value;
            int says;  // 0 masks the first reply, 1 trains both, 2 leaves the row out
        };
        const auto list = [](std::vector<int64_t> entries) {
            Value::Array values;
            for (const int64_t entry : entries) values.emplace_back(entry);
            return Value(std::move(values));
        };
        const std::vector<RowMark> marks{{"loss_mask", list({0, 0, 0, 1}), 0},
                                         {"loss_mask", list({0, 1, 0, 1}), 1},
                                         {"loss_mask", list({0, 1}), 2},
                                         {"loss_mask", list({0, 2, 0, 1}), 2},
                                         {"loss_mask", Value(int64_t{0}), 2},
                                         {"loss_mask", Value(), 1},
                                         {"weight", Value(1.0), 1},
                                         {"weight", Value(), 1},
                                         {"weight", Value(int64_t{0}), 2},
                                         {"weight", Value(-0.5), 2},
                                         {"mask", Value("User"), 1},
                                         {"mask", Value("Assistant"), 2}};
        std::vector<Layout> all = layouts();
        all.push_back({"lima", "conversations", "", "", "", ""});
        for (const Layout& layout : all) {
            for (const RowMark& mark : marks) {
                Value row = marked_row(layouts()[0], 9, "", kNone);
                if (layout.converter == "sharegpt") row = marked_row(layout, 9, "", kNone);
                if (layout.converter == "lima") {
                    row = Value(Value::Object{
                        {"conversations",
                         Value(Value::Array{Value("a"), Value("b"), Value("c"), Value("d")})}});
                }
                row.object().push_back({mark.name, mark.value});
                const Converted made = converted_by(layout.converter, row);
                const std::string place = layout.converter + " " + mark.name + mark.value.json();
                QVERIFY2(made.samples.size() == (mark.says == 2 ? 0 : 1), place.c_str());
                QCOMPARE(made.drop_reasons.size(), size_t{1} - made.samples.size());
                if (mark.says == 2) continue;
                QVERIFY2(made.samples[0].messages()[1].is_trained == (mark.says == 1),
                         place.c_str());
                QVERIFY(made.samples[0].messages()[3].is_trained);
            }
        }
    }

    void a_divided_dialogue_keeps_its_marks() {
        Converted made =
            converted_by("messages", marked_row(layouts()[0], 1, "weight", Value(int64_t{0})));
        QVERIFY(Reshape(TurnsRule::Each, {}).apply(made).ok());
        QCOMPARE(made.samples.size(), size_t{2});
        QVERIFY(made.samples[0].messages()[1].mark == TrainMark::Off);
        QVERIFY(!made.samples[0].messages()[1].is_trained);
        QVERIFY(made.samples[1].messages()[1].is_trained);
    }

    // Turns that one exchange, or the fields of one, would lose.
    void dividing_and_rewording_lose_no_turn() {
        const auto dialogue = [](std::vector<std::pair<std::string, std::string>> turns) {
            Value::Array messages;
            for (const auto& [role, text] : turns) {
                messages.push_back(
                    Value(Value::Object{{"role", Value(role)}, {"content", Value(text)}}));
            }
            return Value(Value::Object{{"messages", Value(std::move(messages))}});
        };
        Converted made = converted_by("messages", dialogue({{"user", "a"},
                                                            {"assistant", "b"},
                                                            {"system", "late"},
                                                            {"user", "c"},
                                                            {"assistant", "d"},
                                                            {"assistant", "e"}}));
        QVERIFY(Reshape(TurnsRule::Each, {}).apply(made).ok());
        QCOMPARE(made.samples.size(), size_t{2});
        QCOMPARE(std::string(made.samples[1].field("input")), std::string("late\n\nc"));
        QCOMPARE(made.drop_reasons, std::vector<std::string>{std::string(kNoPrompt)});
        made =
            converted_by("messages", dialogue({{"user", "a"}, {"user", "b"}, {"assistant", "c"}}));
        QVERIFY(Reshape(TurnsRule::Whole, {{"input", "Q: {input}"}}).apply(made).ok());
        QVERIFY(made.samples.empty());
        QCOMPARE(made.drop_reasons.size(), size_t{1});
    }

    void masks_beside_token_ids_are_followed() {
        const auto ids = [](std::vector<int64_t> values) {
            Value::Array list;
            for (const int64_t value : values) list.emplace_back(value);
            return Value(std::move(list));
        };
        for (const char* const name : {"loss_mask", "completion_mask", "assistant_masks"}) {
            Value row(Value::Object{{"input_ids", ids({5, 6, 7})}, {name, ids({0, 1, 1})}});
            Converted made = converted_by("token_ids", row);
            QCOMPARE(made.samples.size(), size_t{1});
            QCOMPARE(made.samples[0].token_labels, (std::vector<int32_t>{-100, 6, 7}));
            // Labels and mask: what either of them leaves out.
            row.object().push_back({"labels", ids({5, 6, -100})});
            made = converted_by("token_ids", row);
            QCOMPARE(made.samples[0].token_labels, (std::vector<int32_t>{-100, 6, -100}));
            *row.find(name) = ids({0, 1});
            QVERIFY(!converted_by("token_ids", row).problem.empty());
            *row.find(name) = ids({0, 1, 3});
            QVERIFY(!converted_by("token_ids", row).problem.empty());
        }
    }
};

DAYRUN_TEST(TestTrainMarks)
#include "test_train_marks.moc"
