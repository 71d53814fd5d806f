// A sample's texts: what lies in it once, what happens to views of itself, and blocks whose samples
// are used again.
#include <QTest>

#include "core/data/sample.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestSample : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void an_exchange_has_fields_and_messages_of_the_same_text() {
        Sample sample;
        sample.set_exchange("Add.", "1 2", "3", "");
        QVERIFY(sample.messages().size() == 2);
        QVERIFY(sample.messages()[0].content == "Add.\n\n1 2");
        QVERIFY(sample.messages()[1].content == "3" && sample.messages()[1].is_trained);
        QVERIFY(sample.field("input") == "1 2" && sample.field("response") == "3");
        QVERIFY(sample.field("input").data() == sample.messages()[0].content.data() + 6);
        QCOMPARE(sample.field_names(), std::string(" input instruction response system"));
        // Without one of the two there is no blank line.
        sample.set_exchange("", "1 2", "3", "Be brief.");
        QVERIFY(sample.messages().front().role == Role::System);
        QVERIFY(sample.messages()[1].content == "1 2");
        QVERIFY(sample.has_field("system") && !sample.has_field("text"));
        QVERIFY(sample.field("text").empty());
    }

    void a_text_may_come_from_the_sample_itself() {
        Sample sample;
        sample.set_exchange("", std::string(5000, 'q'), "reply", "");
        const size_t before = sample.content_bytes();
        sample.set_field("question", sample.field("input"));
        sample.add_message(Role::User, sample.field("input"), false);
        QVERIFY(sample.content_bytes() < before + 100);
        // Grows the sample's memory while a view of it is read.
        for (int i = 0; i < 20; ++i) {
            const std::string name = "copy" + std::to_string(i);
            sample.set_field(name, std::string(sample.field("input")) + std::to_string(i));
            sample.set_field(name + "b", sample.field(name).substr(1));
        }
        const std::string_view last = sample.field("copy19b");
        QCOMPARE(last.find_first_not_of('q'), size_t{4999});
        QCOMPARE(QByteArray(last.substr(4999).data(), 2), QByteArray("19"));
        QCOMPARE(last.size(), size_t{5001});
        QVERIFY(sample.field("input") == std::string(5000, 'q'));
    }

    void messages_are_inserted_changed_and_taken_out() {
        Sample sample;
        sample.set_exchange("", "b", "c", "s");
        const std::vector<Turn> earlier{{Role::User, "x", false}, {Role::Assistant, "y", true}};
        sample.insert_messages(1, earlier);
        const auto joined = [&] {
            std::string all;
            for (const Message message : sample.messages()) all += message.content;
            return all;
        };
        QCOMPARE(joined(), std::string("sxybc"));
        sample.set_content(3, "longer than before");
        sample.erase_messages(1, 3);
        QCOMPARE(joined(), std::string("slonger than beforec"));
        QVERIFY(sample.field("input") == "b");
    }

    void a_block_gives_back_empty_samples() {
        SampleBlock block;
        for (int round = 0; round < 3; ++round) {
            block.clear();
            for (int i = 0; i < 10; ++i) {
                Sample& sample = block.add();
                QVERIFY(sample.messages().empty() && sample.fields().empty());
                QVERIFY(sample.token_ids.empty() && sample.content_bytes() == 0);
                QCOMPARE(sample.row_index, uint64_t{0});
                sample.row_index = static_cast<uint64_t>(i);
                sample.set_exchange("", std::to_string(i), "r", "");
                sample.token_ids.assign(3, i);
            }
            block.keep_if([](const Sample& sample) { return sample.row_index % 3 == 0; });
            QCOMPARE(block.size(), size_t{4});
            for (size_t i = 0; i < block.size(); ++i) {
                QVERIFY(block[i].field("input") == std::to_string(3 * i));
            }
            Sample other;
            other.set_exchange("", "other", "r", "");
            block.take(other);
            QVERIFY(block.back().field("input") == "other");
        }
    }
};

DAYRUN_TEST(TestSample)
#include "test_sample.moc"
