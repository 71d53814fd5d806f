// The question a row asks, and when an answer counts.
#include <QTest>

#include "core/evaluate/exact_match.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestExactMatch : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void a_question_ends_where_training_begins() {
        TokenizedSample sample;
        sample.tokens = {1, 10, 11, 12, 13, 2, 20, 21};
        sample.labels = {-100, -100, -100, 12, 13, 2, -100, 21};
        const Question question = question_of(sample, 2);
        QCOMPARE(question.prompt, (std::vector<int32_t>{1, 10, 11}));
        QCOMPARE(question.reply, (std::vector<int32_t>{12, 13}));
        QCOMPARE(question_of(sample, std::nullopt).reply, (std::vector<int32_t>{12, 13, 2}));
    }

    void a_row_without_a_reply_asks_nothing() {
        TokenizedSample sample;
        sample.tokens = {1, 10};
        sample.labels = {-100, -100};
        QVERIFY(question_of(sample, 2).reply.empty());
    }

    void white_space_at_the_ends_does_not_count() {
        QVERIFY(is_exact_match(" seven\n", "seven"));
        QVERIFY(!is_exact_match("Seven", "seven"));
        QVERIFY(!is_exact_match("seven dogs", "seven"));
        QVERIFY(is_exact_match(" ", ""));
    }
};

DAYRUN_TEST(TestExactMatch)
#include "test_exact_match.moc"
