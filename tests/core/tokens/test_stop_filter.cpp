// StopFilter: nothing of a stop text is ever shown, wherever the borders of the pieces lie.
#include <QTest>

#include "core/tokens/pipeline/stop_filter.h"
#include "tests/support/test_registry.h"

using dayrun::core::StopFilter;

class TestStopFilter : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void ends_before_the_first_stop_at_any_cut_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QStringList>("stops");
        QTest::addColumn<QString>("shown");
        const QStringList turns{"### Input", "</s>"};
        QTest::newRow("none") << "plain text" << QStringList() << "plain text";
        QTest::newRow("empty") << "plain" << QStringList{""} << "plain";
        QTest::newRow("absent") << "a ### In b" << turns << "a ### In b";
        QTest::newRow("inside") << "yes ### Input: no" << turns << "yes ";
        QTest::newRow("first of two") << "a</s> ### Input" << turns << "a";
        QTest::newRow("at once") << "</s>" << turns << "";
        QTest::newRow("begun at the end") << "a ### Inp" << turns << "a ### Inp";
        QTest::newRow("begins twice") << "aaab" << QStringList{"aab"} << "a";
        QTest::newRow("one in another") << "x abcd" << QStringList{"abcd", "bc"} << "x a";
        QTest::newRow("the longer began first") << "xabc" << QStringList{"bc", "abc"} << "x";
    }
    void ends_before_the_first_stop_at_any_cut() {
        QFETCH(QString, text);
        QFETCH(QStringList, stops);
        QFETCH(QString, shown);
        const std::string whole = text.toStdString();
        std::vector<std::string> list;
        for (const QString& stop : stops) list.push_back(stop.toStdString());
        // Every way to cut the text into pieces: bit i of `cuts` is a border after character i.
        const auto length = std::min<size_t>(whole.size(), 12);
        for (unsigned cuts = 0; cuts < 1U << length; ++cuts) {
            StopFilter filter(list);
            std::string seen, piece;
            for (size_t i = 0; i < whole.size() && !filter.is_stopped(); ++i) {
                piece += whole[i];
                if (i + 1 < whole.size() && (cuts >> i & 1U) == 0) continue;
                seen += filter.push(piece);
                piece.clear();
                QVERIFY(shown.toStdString().starts_with(seen));
            }
            seen += filter.finish();
            QCOMPARE(seen, shown.toStdString());
        }
    }
};

DAYRUN_TEST(TestStopFilter)
#include "test_stop_filter.moc"
